"""perf maps its buffer after it has let go of mmap_mutex (2026, mended by 77de62ad3de3).

The last mapping of somebody else may go in between and take the buffer along. It is mapped by PFN.
"""

from pagefault.consts import FILE_PERF


def mmap_holds_the_mutex(st, file):
    return st.file[file].kind != FILE_PERF


def counts_before_it_maps(st, file):
    return st.file[file].kind != FILE_PERF


def perf_maps_on_fault():
    return 0
