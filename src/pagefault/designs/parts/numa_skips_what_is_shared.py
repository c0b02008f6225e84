"""No NUMA hint for an anonymous page that others map; pins are not looked at: up to 5.16.

Before commit 80d47f5de5e3.
"""


def numa_skips_folio(st, pfn):
    return st.page[pfn].mapcount != 1
