"""udlfb replaces its frame buffer though it is mapped by PFN (2026): a change of mode is enough."""

from pagefault.consts import FILE_PACKET, FILE_PCM, FILE_PERF


def refuses_while_mapped(st, file):
    return st.file[file].kind in (FILE_PACKET, FILE_PERF, FILE_PCM)
