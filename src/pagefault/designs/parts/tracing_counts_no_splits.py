"""A counter of mappings that knows nothing of VMAs that are split: the tracing ring buffer, 6.10.

Here a packet ring has it, which is mapped alike: pages inserted, VMAs counted.
"""

from pagefault.consts import FILE_FB, FILE_PCM, FILE_PERF


def counts_copies(st, file):
    return st.file[file].kind in (FILE_PERF, FILE_FB, FILE_PCM)
