"""A bpf arena counts mmap() and ->close, and not what fork() makes.

Mended by a reference count that ->open takes.
"""

from pagefault.consts import FILE_BPF, FILE_FB, FILE_PACKET, FILE_PCM, FILE_PERF


def counts_mappings(st, file):
    return st.file[file].kind in (FILE_BPF, FILE_PACKET, FILE_PERF, FILE_FB, FILE_PCM)


def counts_copies(st, file):
    return st.file[file].kind in (FILE_PACKET, FILE_PERF, FILE_FB, FILE_PCM)
