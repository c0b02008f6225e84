"""io_uring's mmap() looks a ring up under RCU alone: 6.8 (CVE-2024-35880).

RCU keeps the list in existence, not what it holds: unregistering frees the ring while it is mapped.
"""

from pagefault.consts import FILE_IO_URING


def mmap_holds_the_mutex(st, file):
    return st.file[file].kind != FILE_IO_URING
