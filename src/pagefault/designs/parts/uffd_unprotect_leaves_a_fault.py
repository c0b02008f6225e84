"""The end of a write-protection by userfaultfd leaves the PTE read-only: up to 6.1."""

from pagefault.consts import MM_CP_UFFD_WP_RESOLVE


def uffd_wp_resolve_flags():
    return MM_CP_UFFD_WP_RESOLVE
