"""/proc/kpageflags says KPF_KSM of the pages that KSM has merged, and of no others.

Up to 6.8, and again in 6.18.
"""

from pagefault.mm.page_alloc import folio_test_ksm


def is_reported_as_ksm(st, pfn):
    return folio_test_ksm(st, pfn)
