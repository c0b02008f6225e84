"""GUP-fast knows secret memory only once its folio has left the per-CPU batch for the LRU.

memfd_secret(2) from 5.14 to before commit 65291dcfcf89 (6.9, 6.8.5, 6.6.26, 6.1.85;
CVE-2024-35872): folio_is_secretmem() took a folio without PG_lru for another kind of folio. When
the batch is drained is not in the program's hands. Breaks `no-oops`: whoever copies from such a
page by the direct map.
"""

from pagefault.hw.choice import choose
from pagefault.mm.secretmem import folio_is_secretmem


def gup_fast_refuses_secretmem(st, pfn):
    return folio_is_secretmem(st, pfn) and choose(st, 2)
