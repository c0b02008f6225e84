"""A frame goes bad, and who uses it must not. Models mm/memory-failure.c.

Of a secret page only. Left out: other memory (-EINVAL here); the signals that are sent at once, so
that SIGBUS comes with the next access; that the frame is never handed out again.
"""

from pagefault.consts import EBUSY, EFAULT, EINVAL, PG_DIRTY, PG_HWPOISON
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.filemap import page_cache_delete
from pagefault.mm.folio_lock import folio_lock, folio_unlock
from pagefault.mm.page_alloc import folio_get, folio_put
from pagefault.mm.secretmem import folio_is_secretmem, secretmem_free_folio
from pagefault.mm.zap import unmap_mapping_range


def sys_poison(st, t, vpn):
    """mm/memory-failure.c memory_failure(), v6.12, of the frame that a page has: 0 where the page
    cache has given it up, -EBUSY where it keeps it. Locks: takes the folio lock."""
    pte = ptep_get(st, st.task[t].mm, vpn)
    if not pte_present(pte):
        return -EFAULT
    if not folio_is_secretmem(st, pte_pfn(pte)):
        return -EINVAL
    pfn = pte_pfn(pte)
    st.folio[pfn].pg_flags |= PG_HWPOISON
    folio_get(st, pfn)
    yield "poisoned, still mapped"
    yield from folio_lock(st, t, pfn)
    ret = -EBUSY
    if folio_is_secretmem(st, pfn):
        yield from unmap_mapping_range(st, t, st.folio[pfn].mapping - 1, st.folio[pfn].index, 0)
        ret = yield from me_pagecache_clean(st, t, pfn)
    folio_unlock(st, pfn)
    folio_put(st, pfn)
    return ret


def me_pagecache_clean(st, t, pfn):
    """mm/memory-failure.c me_pagecache_clean(), v6.12: out of the page cache, unless somebody
    stored: memfd_secret() has no ->error_remove_folio(), and what is dirty is not just dropped.
    Locks: folio lock held, nobody maps the folio."""
    if st.folio[pfn].pg_flags & PG_DIRTY or st.folio[pfn].refcount != 2:
        return -EBUSY
    page_cache_delete(st, st.folio[pfn].mapping - 1, pfn)
    yield from secretmem_free_folio(st, t, pfn)
    folio_put(st, pfn)
    return 0
