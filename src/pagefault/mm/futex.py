"""What a futex goes by. Models kernel/futex/core.c."""

from pagefault.consts import EFAULT, FOLL_GET, FOLL_WRITE, MAP_PRIVATE
from pagefault.mm.gup import gup_fast_fallback, gup_put_folio


def sys_futex(st, t, vpn, map_flags):
    """kernel/futex/core.c get_futex_key(), v6.12, for FUTEX_WAKE where nobody sleeps: 0 or -EFAULT.
    One that several address spaces share goes by its page, which GUP finds; a private one by its
    address alone."""
    if map_flags & MAP_PRIVATE:
        return 0
    gup_flags = FOLL_GET | FOLL_WRITE
    pfn = yield from gup_fast_fallback(st, t, st.task[t].mm, vpn, gup_flags)
    if pfn < 0:
        gup_flags = FOLL_GET
        pfn = yield from gup_fast_fallback(st, t, st.task[t].mm, vpn, gup_flags)
    if pfn < 0:
        return -EFAULT
    gup_put_folio(st, pfn, gup_flags)
    return 0
