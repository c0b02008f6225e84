"""perf lets its VMAs be split and does not count the pieces: up to 6.16 (CVE-2025-38563).

The first piece to go takes the count of the whole along, and the buffer. Left out: which of two
counters it is that goes wrong. The buffer is mapped by PFN, as in 6.15 and 6.16; before, a page
that was mapped was counted, and stayed.
"""

from pagefault.consts import FILE_FB, FILE_PACKET, FILE_PCM


def may_split(st, file):
    return 1


def counts_copies(st, file):
    return st.file[file].kind in (FILE_PACKET, FILE_FB, FILE_PCM)


def perf_maps_on_fault():
    return 0
