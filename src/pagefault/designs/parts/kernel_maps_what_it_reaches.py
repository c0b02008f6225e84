"""The kernel maps a page back while it works on it: kmap() and kunmap(), here one step.

XPFO, xpfo_kmap(), v9: so nothing is refused and nothing oopses.
"""


def kernel_reaches(st, pfn):
    return
