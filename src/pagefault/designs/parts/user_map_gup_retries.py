"""user_map over GUP: on leaving, look whether the page is still mapped, and writable.

No notifier at all: the reference keeps the page, and a second look at the page table says whether
it was the right one. It must ask for a writable PTE: a page that is being copied is still mapped,
read-only. Claim: a section that was left well used the page that the process had at the end of it.
"""

from pagefault.consts import EAGAIN
from pagefault.hw.pgtable import pte_pfn, pte_present, pte_write, ptep_get
from pagefault.mm.notifier_ops import zap_sptes


def user_map_drop(st, t, s, vpn):
    yield "section used, page table not looked at"
    pte = ptep_get(st, st.secondary[s].mm, vpn)
    pfn = pte_pfn(st.secondary[s].spte[vpn])
    zap_sptes(st, s, vpn, vpn + 1)
    if not pte_present(pte) or not pte_write(pte) or pte_pfn(pte) != pfn:
        return -EAGAIN
    return 0
