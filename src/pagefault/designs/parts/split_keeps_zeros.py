"""A huge page that is split keeps all of its pages: those that hold nothing but zeros, too.

Up to 6.11. Since commit b1f202060afe (6.12) by Yu Zhao the zero page takes their place.
"""


def page_is_unused(st, pfn):
    return 0
