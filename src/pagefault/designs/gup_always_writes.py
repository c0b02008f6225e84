"""Every GUP reference is taken as if for writing, on top of mainline's rules.

What 5.8 did (17839856fd58, Linus Torvalds) and what RDMA's FOLL_FORCE | FOLL_WRITE did for its
read-only regions until 6.2. Claim: no reference ever names a page that another process has too, so
no rule about unsharing is needed, for FOLL_GET and short pins neither. Cost: reading by GUP copies
pages that nobody writes and fills memory that was never written; a read reports a write fault
(userfaultfd write-protection, pmem), which is why 5.9 dropped it.
"""

PARTS = ["gup-breaks-cow", "gup-breaks-cow-by-force"]
