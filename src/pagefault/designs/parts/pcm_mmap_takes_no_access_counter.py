"""ALSA's mmap() of a buffer and hw_params() that replaces it do not know of each other (2026)."""

from pagefault.consts import FILE_PCM


def mmap_holds_the_mutex(st, file):
    return st.file[file].kind != FILE_PCM


def counts_before_it_maps(st, file):
    return st.file[file].kind != FILE_PCM
