"""Folios come and go, and their reference counts. Models mm/page_alloc.c and include/linux/mm.h.

Left out: the LRU and its per-CPU batches (which hold a reference for a while), memory cgroups.
"""

from pagefault.consts import (
    BUG_NO_FREE_FOLIO,
    CELLS,
    FOLL_PIN,
    GUP_PIN_COUNTING_BIAS,
    HPAGE_PMD_ORDER,
    NR_PRIVATE,
    PG_ANON,
    PG_DIRTY,
    PG_HWPOISON,
    PG_ISOLATED,
    PG_KSM,
    PG_SWAPBACKED,
    PROP_COUNTS,
    PTRS_PER_PTE,
    ZERO_PFN,
)
from pagefault.hw.choice import VM_BUG_ON, choose
from pagefault.hw.direct_map import kernel_reaches
from pagefault.hw.monitor import (
    EVERYBODY,
    break_promise,
    mark_dangling,
    mark_huge_dangling,
    observe_secret_leaves,
)


def is_zero_pfn(pfn):
    return pfn == ZERO_PFN


def page_folio(st, pfn):
    """include/linux/page-flags.h page_folio(), v6.12: the pfn of the first page of the folio that a
    page belongs to. Functions named folio_... take any page of a folio."""
    if st.page[pfn].compound_head:
        return st.page[pfn].compound_head
    return pfn


def folio_test_large(st, pfn):
    """include/linux/page-flags.h folio_test_large(), v6.12."""
    return st.page[pfn].compound_head != 0


def folio_refcount(st, pfn):
    return st.folio[page_folio(st, pfn)].refcount


def folio_test_anon(st, pfn):
    return st.folio[page_folio(st, pfn)].pg_flags & PG_ANON != 0


def folio_test_ksm(st, pfn):
    """include/linux/page-flags.h folio_test_ksm(), v6.12: KSM has merged it; anonymous, too."""
    return st.folio[pfn].pg_flags & PG_KSM != 0


def folio_test_swapbacked(st, pfn):
    """include/linux/page-flags.h folio_test_swapbacked(), v6.12: an anonymous folio without it is
    lazyfree: MADV_FREE has marked it, it may be discarded while it is clean."""
    return st.folio[page_folio(st, pfn)].pg_flags & PG_SWAPBACKED != 0


def folio_test_lru(st, pfn):
    """include/linux/page-flags.h folio_test_lru(), v6.12: reclaim would find the folio, and nobody
    has it in hand, nor has it gone bad."""
    off_the_list = st.folio[page_folio(st, pfn)].pg_flags & (PG_ISOLATED | PG_HWPOISON)
    return folio_test_anon(st, pfn) and not off_the_list


def frames_dangle(st, pfn, nr):
    """Of `nr` frames from `pfn` on: 0 if all are free, 1 if somebody still names one as it was
    before it was freed, -1 if one is in use."""
    dangles = 0
    for i in range(pfn, pfn + nr):
        if folio_refcount(st, i) != 0:
            return -1
        dangles |= st.page[i].dangling
    return dangles


def rmqueue(st, nr):
    """The first of `nr` free frames, which is a multiple of `nr`. mm/page_alloc.c rmqueue(), v6.12.

    Which free frames are handed out matters only where somebody still names one as it was before
    it was freed: then those are a choice, beside any other. Registers of calls under way are not
    looked at; a free frame that only they name comes first in the canonical order, so that it is
    the one reused. Left out: that there may be none, which is a fault of the program.
    """
    fresh = -1
    candidates = 0
    for pfn in range(nr, st.nr_pfns - nr + 1, nr):
        dangles = frames_dangle(st, pfn, nr)
        if dangles == 1:
            candidates += 1
        elif dangles == 0 and fresh < 0:
            fresh = pfn
    if fresh < 0 and candidates == 0:
        VM_BUG_ON(st, 1, BUG_NO_FREE_FOLIO)
        return nr
    picked = choose(st, candidates + (fresh >= 0))
    if fresh >= 0:
        picked -= 1
    new_pfn = fresh
    for pfn in range(nr, st.nr_pfns - nr + 1, nr):
        if frames_dangle(st, pfn, nr) == 1:
            if picked == 0:
                new_pfn = pfn
            picked -= 1
    return new_pfn


def folio_alloc(st):
    """A zeroed folio of order 0 with one reference. mm/page_alloc.c __folio_alloc(), v6.12."""
    new_pfn = rmqueue(st, 1)
    prep_new_page(st, new_pfn)
    return new_pfn


def folio_alloc_pmd(st):
    """A zeroed folio that a PMD can map, with one reference. mm/page_alloc.c __folio_alloc(),
    v6.12, of HPAGE_PMD_ORDER."""
    new_pfn = rmqueue(st, PTRS_PER_PTE)
    prep_compound_page(st, new_pfn)
    return new_pfn


def prep_compound_page(st, pfn):
    """mm/page_alloc.c prep_compound_page(), v6.12, of HPAGE_PMD_ORDER, with __GFP_ZERO."""
    for tail_pfn in range(pfn, pfn + PTRS_PER_PTE):
        prep_new_page(st, tail_pfn)
        st.folio[tail_pfn].refcount = 0
        st.page[tail_pfn].compound_head = pfn
    st.folio[pfn].refcount = 1
    st.folio[pfn].order = HPAGE_PMD_ORDER


def prep_new_page(st, pfn):
    """mm/page_alloc.c prep_new_page(), v6.12, with __GFP_ZERO."""
    st.folio[pfn].refcount = 1
    st.page[pfn].dangling = 0
    clear_highpage(st, pfn)


def clear_highpage(st, pfn):
    """include/linux/highmem.h clear_highpage(), v6.12: zero the page, by the direct map."""
    kernel_reaches(st, pfn)
    forget_contents(st, pfn)


def forget_contents(st, pfn):
    """The page holds zeros, which everybody may see. By itself it stands for no access: nobody
    reads what a free page holds before it is zeroed for its next owner."""
    for cell in range(CELLS):
        st.page[pfn].cell[cell] = 0
        st.page[pfn].writer[cell] = 0
        st.page[pfn].audience[cell] = EVERYBODY


def copy_highpage(st, new_pfn, old_pfn):
    """Copy a page with who wrote each cell. One step: tearing within a copy is left out."""
    kernel_reaches(st, old_pfn)
    copy_from_user_address(st, new_pfn, old_pfn)


def copy_from_user_address(st, new_pfn, old_pfn):
    """As copy_highpage(), of a page that the kernel reads by the address where its user has it."""
    kernel_reaches(st, new_pfn)
    for cell in range(CELLS):
        st.page[new_pfn].cell[cell] = st.page[old_pfn].cell[cell]
        st.page[new_pfn].writer[cell] = st.page[old_pfn].writer[cell]
        st.page[new_pfn].audience[cell] = st.page[old_pfn].audience[cell]


def pages_identical(st, pfn, other):
    """mm/util.c memcmp_pages(), v6.12: equal contents. One step."""
    kernel_reaches(st, pfn)
    kernel_reaches(st, other)
    for cell in range(CELLS):
        if st.page[pfn].cell[cell] != st.page[other].cell[cell]:
            return 0
    return 1


def folio_mark_dirty(st, pfn):
    """mm/page-writeback.c folio_mark_dirty(), v6.12: what the page holds is newer than the disk."""
    st.folio[page_folio(st, pfn)].pg_flags |= PG_DIRTY


def folio_get(st, pfn):
    st.folio[page_folio(st, pfn)].refcount += 1


def page_is_counted(st, pfn):
    """Whether references to a page, and its mappings, are counted in its struct page. They are in
    v6.12, whatever the page is for."""
    return 1


def page_has_mapcount(st, pfn):
    """Whether the PTEs that map a page are counted there, as for all pages of v6.12 that PTEs count
    on at all."""
    return page_is_counted(st, pfn)


def put_elsewhere(st, pfn, refs):
    """Drop `refs` references that are not counted in struct page; 0 where there are none such."""
    return 0


def folio_ref_sub(st, page_pfn, refs):
    """Drop `refs` references; the last one frees the folio. mm/swap.c __folio_put(), v6.12."""
    pfn = page_folio(st, page_pfn)
    if is_zero_pfn(pfn) or put_elsewhere(st, pfn, refs):
        return
    st.folio[pfn].refcount -= refs
    if st.folio[pfn].refcount < 0:
        break_promise(st, PROP_COUNTS)
        st.folio[pfn].refcount = 0
    elif st.folio[pfn].refcount == 0:
        free_unref_folio(st, pfn)


def folio_put(st, pfn):
    folio_ref_sub(st, pfn, 1)


def free_unref_folio(st, pfn):
    """mm/page_alloc.c free_unref_page(), v6.12: the folio is nobody's from here on."""
    if st.page[pfn].compound_head:
        free_tail_pages(st, pfn)
    free_unref_page(st, pfn)
    st.folio[pfn].pg_flags = 0
    st.folio[pfn].mapping = 0
    st.folio[pfn].index = 0
    for i in range(NR_PRIVATE):
        st.folio[pfn].private[i] = 0


def free_unref_page(st, pfn):
    """One page of what is freed."""
    if st.page[pfn].mapcount != 0:
        break_promise(st, PROP_COUNTS)
    mark_dangling(st, pfn)
    st.page[pfn].anon_exclusive = 0
    observe_secret_leaves(st, pfn)
    forget_contents(st, pfn)
    arch_free_page(st, pfn)


def arch_free_page(st, pfn):
    """include/linux/gfp.h arch_free_page(), v6.12: what an architecture does to a page that nobody
    has any more. On x86 nothing."""
    return


def free_tail_pages(st, pfn):
    """mm/page_alloc.c free_pages_prepare(), v6.12, of a large folio: its pages part."""
    if st.folio[pfn].large_mapcount or st.folio[pfn].entire_mapcount or st.folio[pfn].pincount:
        break_promise(st, PROP_COUNTS)
    st.folio[pfn].large_mapcount = 0
    st.folio[pfn].entire_mapcount = 0
    st.folio[pfn].pincount = 0
    st.folio[pfn].order = 0
    st.page[pfn].compound_head = 0
    mark_huge_dangling(st, pfn)
    for tail_pfn in range(pfn + 1, pfn + PTRS_PER_PTE):
        free_unref_page(st, tail_pfn)
        st.page[tail_pfn].compound_head = 0


def folio_maybe_dma_pinned(st, pfn):
    """include/linux/mm.h folio_maybe_dma_pinned(), v6.12. A small folio has only its refcount to
    tell by, so 1024 plain references look like a pin. A large one counts its pins, on whichever of
    its pages they are."""
    if folio_test_large(st, pfn):
        return st.folio[page_folio(st, pfn)].pincount > 0
    return st.folio[pfn].refcount >= GUP_PIN_COUNTING_BIAS


def grab_refs(st, pfn, gup_flags):
    """How much one GUP reference to a page adds to the refcount of its folio."""
    if gup_flags & FOLL_PIN and not folio_test_large(st, pfn):
        return GUP_PIN_COUNTING_BIAS
    return 1


def grab_elsewhere(st, pfn, gup_flags):
    """Take a reference that is not counted in struct page; 0 where there is none such."""
    return 0


def folio_grab(st, pfn, gup_flags):
    """mm/gup.c try_grab_folio(), v6.12: one GUP reference to a page. The zero page is not
    counted."""
    if is_zero_pfn(pfn) or grab_elsewhere(st, pfn, gup_flags):
        return
    st.folio[page_folio(st, pfn)].refcount += grab_refs(st, pfn, gup_flags)
    if gup_flags & FOLL_PIN and folio_test_large(st, pfn):
        st.folio[page_folio(st, pfn)].pincount += 1


def folio_ungrab(st, pfn, gup_flags):
    """mm/gup.c gup_put_folio(), v6.12: undo folio_grab()."""
    if gup_flags & FOLL_PIN and folio_test_large(st, pfn):
        st.folio[page_folio(st, pfn)].pincount -= 1
    folio_ref_sub(st, pfn, grab_refs(st, pfn, gup_flags))
