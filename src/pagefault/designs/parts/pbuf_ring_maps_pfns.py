"""io_uring maps its rings by PFN and frees them by hand: 6.4 to 6.6 (CVE-2024-0582).

mmap() of a ring of provided buffers took no reference; IORING_UNREGISTER_PBUF_RING freed the pages.
"""

from pagefault.consts import FILE_FB, FILE_IO_URING, FILE_PCM, FILE_PERF


def maps_pfns(st, file):
    return st.file[file].kind in (FILE_IO_URING, FILE_PERF, FILE_FB, FILE_PCM)
