"""A bpf arena counts mmap() and ->close, and not what fork() makes of a VMA.

6.9 to 6.9.7, CVE-2024-42075. Mended by a reference count that ->open takes; since 2026 a child has
no such VMA at all.
"""

from pagefault.consts import FILE_FB, FILE_PACKET, FILE_PCM, FILE_PERF


def copied_by_fork(st, file):
    return st.file[file].kind != FILE_PERF


def counts_copies(st, file):
    return st.file[file].kind in (FILE_PACKET, FILE_PERF, FILE_FB, FILE_PCM)
