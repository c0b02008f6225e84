"""Who loses the race to add a page frees the folio first and then puts it back into the direct map.

memfd_secret(2) from 5.14 to before commit 6f86d0534fdd (6.18, 6.12.59, 6.1.159; CVE-2025-40272),
found by Google Big Sleep. The folio's next owner in the kernel finds it not mapped: `no-oops`. If
the next owner is secret memory again, its page comes back into the direct map: `secret-does`.
"""

from pagefault.hw.direct_map import set_direct_map_default_noflush
from pagefault.mm.page_alloc import folio_put


def secretmem_lost_race(st, t, file, pfn):
    folio_put(st, pfn)
    yield "freed, not restored"
    set_direct_map_default_noflush(st, pfn)
