"""rxe finds a queue and lets go of its lock, then maps it by its address: up to 6.12.96.

CVE-2026-64582, drivers/infiniband/sw/rxe/rxe_mmap.c: mended by kref_get_unless_zero() under the
lock. A ring of io_uring stands for the queue. remap_vmalloc_range() asks what is there now.
"""

from pagefault.consts import FILE_BPF, FILE_IO_URING


def mmap_holds_the_mutex(st, file):
    return st.file[file].kind != FILE_IO_URING


def maps_by_address(st, file):
    return st.file[file].kind in (FILE_BPF, FILE_IO_URING)
