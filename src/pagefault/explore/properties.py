"""Promises that are judged by looking at a state. Written as paths are, so that they compile.

Each function answers whether its promise holds; its name with dashes is the property's name and
its docstring's first line the promise in a sentence. What an access breaks is found in
hw/monitor.py; that nobody can move, or that no end can be reached, by the search itself.
"""

from pagefault.consts import (
    CELLS,
    FILE_REGULAR,
    FILE_SECRET,
    FOLL_GET,
    FOLL_PIN,
    FOLL_WRITE,
    MIRROR_GPC,
    MIRROR_KVM,
    MIRROR_LIVE,
    MIRROR_ODP,
    NR_FILE_PAGES,
    NR_PIPE_BUFS,
    NR_PMD,
    NR_SECONDARY,
    NR_SWAP,
    NR_VMALLOC,
    PAGE_DANGLING,
    PAGE_DIRTY,
    PAGE_MIGRATION,
    PAGE_PRESENT,
    PAGE_PSE,
    PAGE_SWAP,
    PAGE_SWP_EXCLUSIVE,
    PAGE_TABLE,
    PFN_SHIFT,
    PG_DIRTY,
    PG_HWPOISON,
    PG_WRITEBACK,
    PIN_HELD,
    PTRS_PER_PTE,
    SPTE_REFERENCED,
)
from pagefault.hw.monitor import grants_more, holds_secret
from pagefault.hw.pgtable import (
    pmd_index,
    pmd_table,
    pte_maps,
    pte_pfn,
    pte_present,
    pte_special,
    pte_write,
    ptep_get,
)
from pagefault.mm.notifier_ops import spte_gup_flags
from pagefault.mm.page_alloc import (
    folio_test_anon,
    folio_test_large,
    grab_refs,
    page_folio,
    page_has_mapcount,
    page_is_counted,
)
from pagefault.mm.rmap import PageAnonExclusive, folio_mapcount, special_pte_has_reference
from pagefault.mm.vmalloc import area_counts_its_users, area_is_leaked


def coherent(st):
    """While a device has a pin that promises it, or a mirror, CPU and device reach one folio."""
    for pin in range(st.nr_pins):
        if st.pin[pin].state == PIN_HELD and st.pin[pin].promises and not st.pin[pin].unmapped:
            pte = ptep_get(st, st.pin[pin].mm, st.pin[pin].vpn)
            if pte_present(pte) and pte_pfn(pte) != st.pin[pin].pfn:
                return 0
    return _secondary_mmus_agree(st)


def _secondary_mmus_agree(st):
    """What a device may do by an entry of its own, the page table allows on the same folio. An
    IOTLB is promised less, it is flushed when the CPUs' TLBs are; a section of user_map may have
    to be done again."""
    for s in range(NR_SECONDARY):
        kind = st.secondary[s].kind
        if st.secondary[s].in_use == MIRROR_LIVE and kind in (MIRROR_KVM, MIRROR_GPC, MIRROR_ODP):
            for vpn in range(st.nr_vpns):
                spte = st.secondary[s].spte[vpn]
                if spte != 0 and grants_more(spte, ptep_get(st, st.secondary[s].mm, vpn)):
                    return 0
    return 1


def flushed_before_freed(st):
    """A page that is freed is in no CPU's TLB."""
    for cpu in range(st.nr_cpus):
        for vpn in range(st.nr_vpns):
            if st.cpu[cpu].tlb[vpn] & PAGE_DANGLING:
                return 0
    return 1


def _pte_mappings(st, pfn):
    """How many PTEs map a page."""
    mappings = 0
    for table in range(st.nr_ptpages):
        if st.ptpage[table].in_use:
            for i in range(PTRS_PER_PTE):
                pte = st.ptpage[table].pte[i]
                if pte_maps(pte, pfn) and not pte_special(pte):
                    mappings += 1
    return mappings


def _present_ptes(st, pfn):
    """How many PTEs, special ones too, map a page."""
    found = 0
    for table in range(st.nr_ptpages):
        if st.ptpage[table].in_use:
            for i in range(PTRS_PER_PTE):
                if pte_maps(st.ptpage[table].pte[i], pfn):
                    found += 1
    return found


def _counted_mappings(st, pfn):
    """What mapcount must be."""
    if not page_has_mapcount(st, pfn):
        return 0
    return _pte_mappings(st, pfn)


def _pmd_mappings(st, pfn):
    """How many PMDs map the folio of a page whole."""
    mappings = 0
    for mm in range(st.nr_mms):
        for i in range(NR_PMD):
            pmd = st.mm[mm].pmd[i]
            if pmd & PAGE_PSE and not pmd & PAGE_MIGRATION:
                if pmd >> PFN_SHIFT == page_folio(st, pfn):
                    mappings += 1
    return mappings


def _gup_references(st, pfn):
    """What pins and pipes must have added to the refcount for this page."""
    refs = 0
    for pin in range(st.nr_pins):
        if st.pin[pin].state == PIN_HELD and st.pin[pin].pfn == pfn:
            refs += grab_refs(st, pfn, st.pin[pin].gup_flags)
    for task in range(st.nr_tasks):
        if st.task[task].pin.state == PIN_HELD and st.task[task].pin.pfn == pfn:
            if st.task[task].pin.gup_flags & FOLL_GET:
                refs += 1
            else:
                refs += grab_refs(st, pfn, FOLL_PIN)
    for pipe in range(st.nr_pipes):
        for i in range(NR_PIPE_BUFS):
            if st.pipe[pipe].buf[i].in_use and st.pipe[pipe].buf[i].pfn == pfn:
                refs += 1
    for s in range(NR_SECONDARY):
        if st.secondary[s].in_use:
            for vpn in range(st.nr_vpns):
                spte = st.secondary[s].spte[vpn]
                if spte & SPTE_REFERENCED and spte >> PFN_SHIFT == pfn:
                    refs += grab_refs(st, pfn, spte_gup_flags(st, s))
    return refs


def _page_cache_references(st, pfn):
    """The page cache has one to each of its folios."""
    return st.folio[pfn].mapping != 0


def _swap_cache_references(st, pfn):
    """The swap cache has one to each of its folios."""
    return st.folio[pfn].swap != 0


def _swap_ptes(st, slot):
    """How many swap PTEs name a slot."""
    found = 0
    for table in range(st.nr_ptpages):
        if st.ptpage[table].in_use:
            for i in range(PTRS_PER_PTE):
                pte = st.ptpage[table].pte[i]
                if pte & PAGE_SWAP and pte >> PFN_SHIFT == slot:
                    found += 1
    return found


def _vmalloc_references(st, pfn):
    """An allocation of vmalloc has one to each of its pages."""
    for v in range(NR_VMALLOC):
        for i in range(st.vmalloc[v].nr_pages):
            if st.vmalloc[v].pfn[i] == pfn:
                return 1
    return 0


def _poison_references(st, pfn):
    """Who has taken a bad frame out of use keeps one, for good."""
    return st.folio[pfn].pg_flags & PG_HWPOISON != 0


def _kernel_references(st, pfn):
    caches = _swap_cache_references(st, pfn) + _page_cache_references(st, pfn)
    return caches + _vmalloc_references(st, pfn) + _poison_references(st, pfn)


def _holders(st, pfn):
    """All the references to a folio that somebody can be seen to have."""
    if st.folio[pfn].order:
        return _holders_of_large(st, pfn)
    kernel = _kernel_references(st, pfn)
    if not page_is_counted(st, pfn):
        return kernel
    mappings = _pte_mappings(st, pfn)
    if special_pte_has_reference(st):
        mappings = _present_ptes(st, pfn)
    return mappings + _gup_references(st, pfn) + kernel


def _holders_of_large(st, pfn):
    """As _holders(), of a large folio: those of each of its pages, and the PMDs that map it."""
    holders = _pmd_mappings(st, pfn)
    for page_pfn in range(pfn, pfn + PTRS_PER_PTE):
        holders += _pte_mappings(st, page_pfn) + _gup_references(st, page_pfn)
    return holders


def _is_tail(st, pfn):
    """The page belongs to a folio that is known by another page."""
    return page_folio(st, pfn) != pfn


def counts(st):
    """No count falls below zero, refcount covers every holder, nothing is leaked at the end.

    Nor does mapcount ever exceed refcount: who maps a page holds a reference first."""
    if _maps_a_free_page(st):
        return 0
    for pfn in range(1, st.nr_pfns):
        if not _is_tail(st, pfn):
            if st.folio[pfn].refcount < folio_mapcount(st, pfn):
                return 0
            if st.folio[pfn].refcount or st.folio[pfn].order:
                if st.folio[pfn].refcount < _holders(st, pfn):
                    return 0
            elif _gup_references(st, pfn) or _kernel_references(st, pfn):
                return 0
    for v in range(NR_VMALLOC):
        if st.vmalloc[v].nr_pages and not area_counts_its_users(st, v):
            return 0
    return _slots_are_counted(st)


def _maps_a_free_page(st):
    """One look at every PTE, so that counts() need not look for those of each free page."""
    for table in range(st.nr_ptpages):
        if st.ptpage[table].in_use:
            for i in range(PTRS_PER_PTE):
                pte = st.ptpage[table].pte[i]
                if pte_present(pte) and not pte_special(pte) and pte_pfn(pte) != 0:
                    pfn = page_folio(st, pte_pfn(pte))
                    if st.folio[pfn].refcount == 0 and page_is_counted(st, pfn):
                        return 1
    return 0


def _slots_are_counted(st):
    """Each swap PTE counts on its slot, in every state."""
    for table in range(st.nr_ptpages):
        if st.ptpage[table].in_use:
            for i in range(PTRS_PER_PTE):
                pte = st.ptpage[table].pte[i]
                if pte & PAGE_SWAP:
                    slot = pte >> PFN_SHIFT
                    if st.swap[slot].count < _swap_ptes(st, slot):
                        return 0
    return 1


def _claim_is_leaked(st, slot):
    """Nobody will give up the claim on a slot. A fault on it that waits for userfaultfd will."""
    for task in range(st.nr_tasks):
        if st.task[task].userfault:
            return 0
    return st.swap[slot].claimed


def _table_is_linked(st, table):
    """A PMD points to this page-table page."""
    for mm in range(st.nr_mms):
        for i in range(NR_PMD):
            pmd = st.mm[mm].pmd[i]
            if pmd & PAGE_TABLE and pmd_table(pmd) == table:
                return 1
    return 0


def _folio_is_accounted(st, pfn):
    """Its counts are what can be seen, each."""
    if st.folio[pfn].refcount != _holders(st, pfn):
        return 0
    if st.folio[pfn].order == 0:
        return 1
    mappings = 0
    for page_pfn in range(pfn, pfn + PTRS_PER_PTE):
        mappings += st.page[page_pfn].mapcount
    if st.folio[pfn].entire_mapcount != _pmd_mappings(st, pfn):
        return 0
    return st.folio[pfn].large_mapcount == mappings + st.folio[pfn].entire_mapcount


def counts_at_end(st):
    """Nothing runs: every reference and every mapping belongs to a holder that is still there,
    every page-table page to an address space, and no lock is held."""
    for mm in range(st.nr_mms):
        if st.mm[mm].mmap_lock != 0 or st.mm[mm].pmd_ptl != 0:
            return 0
    for table in range(st.nr_ptpages):
        if st.ptpage[table].ptl or (st.ptpage[table].in_use and not _table_is_linked(st, table)):
            return 0
    for pfn in range(1, st.nr_pfns):
        if st.folio[pfn].locked or st.page[pfn].mapcount != _counted_mappings(st, pfn):
            return 0
        if not _is_tail(st, pfn) and not _folio_is_accounted(st, pfn):
            return 0
    for v in range(NR_VMALLOC):
        if st.vmalloc[v].nr_pages and area_is_leaked(st, v):
            return 0
    for slot in range(NR_SWAP):
        if st.swap[slot].count != _swap_ptes(st, slot) or _claim_is_leaked(st, slot):
            return 0
    return 1


def secret_does(st):
    """A page that holds what was stored into exclusive memory is in no CPU's direct map."""
    for pfn in range(1, st.nr_pfns):
        if not st.direct_map[pfn].absent or st.direct_map[pfn].stale_cpus:
            if holds_secret(st, pfn):
                return 0
    return 1


def within_memlock(st):
    """Who has a limit has no more pages of exclusive memory than it allows, mapped or not."""
    held = 0
    for file in range(st.nr_files):
        if st.file[file].kind == FILE_SECRET:
            for index in range(NR_FILE_PAGES):
                held += st.file[file].page[index].pfn != 0
    limited = 0
    for mm in range(st.nr_mms):
        if st.mm[mm].mm_users:
            if not 0 < st.mm[mm].rlimit_memlock <= held:
                return 1
            limited = 1
    return not limited


def dirty_kept(st):
    """What a page of a file holds and the disk does not is known to be dirty, or being written."""
    for file in range(st.nr_files):
        if st.file[file].kind == FILE_REGULAR:
            for index in range(NR_FILE_PAGES):
                pfn = st.file[file].page[index].pfn
                if pfn != 0 and _is_newer_than_the_disk(st, file, index):
                    if not _is_known_to_be_dirty(st, pfn):
                        return 0
    return 1


def _is_newer_than_the_disk(st, file, index):
    page = st.file[file].page[index]
    for cell in range(CELLS):
        if st.page[page.pfn].cell[cell] != page.disk[cell]:
            return 1
    return 0


def _is_known_to_be_dirty(st, pfn):
    """The folio is dirty, or somebody works on it, or a PTE says so, or somebody who holds it for
    writing is going to."""
    if st.folio[pfn].locked or st.folio[pfn].pg_flags & (PG_DIRTY | PG_WRITEBACK):
        return 1
    for table in range(st.nr_ptpages):
        if st.ptpage[table].in_use:
            for i in range(PTRS_PER_PTE):
                pte = st.ptpage[table].pte[i]
                if pte & PAGE_PRESENT and pte >> PFN_SHIFT == pfn and pte & PAGE_DIRTY:
                    return 1
    for pin in range(st.nr_pins):
        if st.pin[pin].pfn == pfn and st.pin[pin].gup_flags & FOLL_WRITE:
            return 1
    for task in range(st.nr_tasks):
        if st.task[task].pin.state == PIN_HELD and st.task[task].pin.pfn == pfn:
            return 1
    return 0


def _pte_settled(st, mm, vpn):
    """Nobody is at work on this PTE: a table covers it and its PTL is free, or a huge page does and
    the PMD lock is free."""
    pmd = st.mm[mm].pmd[pmd_index(vpn)]
    if pmd & PAGE_PSE:
        return st.mm[mm].pmd_ptl == 0
    return pmd != 0 and st.ptpage[pmd_table(pmd)].ptl == 0


def _maps_anon(st, pte):
    return pte & PAGE_PRESENT and folio_test_anon(st, pte >> PFN_SHIFT)


def exclusive_if_writable(st):
    """A writable anonymous PTE maps a page that is anon-exclusive."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            if _pte_settled(st, mm, vpn):
                pte = ptep_get(st, mm, vpn)
                if _maps_anon(st, pte) and pte_write(pte):
                    if not PageAnonExclusive(st, pte_pfn(pte)):
                        return 0
    return 1


def exclusive_if_pinned(st):
    """A pinned anonymous page that its owner still maps is anon-exclusive."""
    for pin in range(st.nr_pins):
        if st.pin[pin].state == PIN_HELD and not st.pin[pin].unmapped:
            pfn = st.pin[pin].pfn
            if st.pin[pin].gup_flags & FOLL_PIN and folio_test_anon(st, pfn):
                pte = ptep_get(st, st.pin[pin].mm, st.pin[pin].vpn)
                if pte_present(pte) and pte_pfn(pte) == pfn:
                    if not PageAnonExclusive(st, pfn):
                        return 0
    return 1


def exclusive_once(st):
    """An anon-exclusive page is mapped by at most one PTE, swap PTEs counted."""
    for pfn in range(1, st.nr_pfns):
        if st.page[pfn].anon_exclusive:
            if _mappings(st, pfn) + _swap_ptes_of_folio(st, pfn) > 1:
                return 0
    for slot in range(NR_SWAP):
        if st.swap[slot].count > 1 and _exclusive_swap_pte(st, slot):
            return 0
    return 1


def _mappings(st, pfn):
    """How many entries map a page, of either kind."""
    if not folio_test_large(st, pfn):
        return _pte_mappings(st, pfn)
    return _pte_mappings(st, pfn) + _pmd_mappings(st, pfn)


def _swap_ptes_of_folio(st, pfn):
    """How many swap PTEs name the slot that a folio in the swap cache has."""
    if st.folio[pfn].swap == 0:
        return 0
    return _swap_ptes(st, st.folio[pfn].swap - 1)


def _exclusive_swap_pte(st, slot):
    """Whether a swap PTE claims that the page of this slot is its own."""
    for table in range(st.nr_ptpages):
        if st.ptpage[table].in_use:
            for i in range(PTRS_PER_PTE):
                pte = st.ptpage[table].pte[i]
                if pte & PAGE_SWAP and pte >> PFN_SHIFT == slot and pte & PAGE_SWP_EXCLUSIVE:
                    return 1
    return 0
