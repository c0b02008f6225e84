"""perf's ->close sees the last mapping go and frees without mmap_mutex (CVE-2020-14351).

The buffer is mapped by PFN, as it was when 58a8108bc73d (2026) mended that once more.
"""

from pagefault.consts import FILE_PERF


def close_frees_under_the_mutex(st, file):
    return st.file[file].kind != FILE_PERF


def perf_maps_on_fault():
    return 0
