"""GUP-fast does not look for a fork that write-protects at the same time: up to 5.10.0.

Before commit 57efa1fe5957 (5.11, and 5.10.y) by Jason Gunthorpe.
"""


def gup_fast_sees_fork(st, mm, gup_flags):
    return 0


def gup_fast_raced_with_fork(st, mm, gup_flags, seq):
    return 0
