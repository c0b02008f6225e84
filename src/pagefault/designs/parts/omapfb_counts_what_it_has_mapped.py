"""omapfb counts a mapping when it is made, not before, and with no lock (CVE-2026-53401)."""

from pagefault.consts import FILE_FB


def mmap_holds_the_mutex(st, file):
    return st.file[file].kind != FILE_FB


def counts_before_it_maps(st, file):
    return st.file[file].kind != FILE_FB
