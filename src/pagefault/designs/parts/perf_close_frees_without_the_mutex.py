"""perf's ->close sees the last mapping go and frees without mmap_mutex (CVE-2020-14351)."""

from pagefault.consts import FILE_PERF


def close_frees_under_the_mutex(st, file):
    return st.file[file].kind != FILE_PERF
