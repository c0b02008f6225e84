"""A write fault reuses what one PTE maps, exclusive or not: hugetlb's rule in each release.

mm/hugetlb.c hugetlb_wp(), v6.12, told of small pages: there are no spare huge pages to copy to.
Pins are safe, as they ask for PageAnonExclusive; a FOLL_GET reference sees the next store.
Breaks `private`: selftests/mm/cow.c expects it to fail (b8a2528835b3).
"""


def wp_can_reuse_anon_folio(st, mm, pfn):
    return st.page[pfn].mapcount == 1
