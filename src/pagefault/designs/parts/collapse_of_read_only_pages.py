"""Pages none of which is writable are collapsed, too: in 6.18.

mm/khugepaged.c without SCAN_PAGE_RO, as a run on Linux 6.18 shows; 6.12 and 6.1 answer EINVAL.
"""


def collapse_wants_writable():
    return 0
