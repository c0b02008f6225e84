"""KSM looks for pins, and clears PageAnonExclusive, before it clears the PTE.

What 5.19 and 6.0 may come to on a machine that reorders: they cleared the PTE, looked for pins and
cleared the flag without barriers, while GUP-fast took its reference, looked at the PTE and then at
the flag. Commit 088b8aa537c2 by David Hildenbrand (6.1) ordered both. Reordering is not modelled;
this is an order that it may come to.
"""

from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.ksm import ksm_must_not_share
from pagefault.mm.rmap import PageAnonExclusive


def clear_pte_to_share(st, t, mm, vpn, pfn):
    if ksm_must_not_share(st, pfn, PageAnonExclusive(st, pfn)):
        return 0
    yield "judged not pinned, PTE not cleared"
    return (yield from ptep_clear_flush(st, t, mm, vpn))
