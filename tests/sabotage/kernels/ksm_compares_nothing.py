"""KSM does not compare again after the pages are write-protected."""


def pages_identical(st, pfn, other):
    return 1
