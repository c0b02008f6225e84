"""vmsplice() of a page is refused with EPERM: nobody keeps a reference for as long as he likes.

Andrea Arcangeli on linux-mm, January 2021: the call should need a privilege, and the programs of a
litmus test have none.
"""

from pagefault.consts import EPERM


def sys_vmsplice(st, t, vpn, pipe):
    yield "no privilege"
    return -EPERM
