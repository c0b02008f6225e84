"""O_DIRECT takes plain references, that fork does not look for: up to 6.4 (commit 1ccf164ec866)."""

from pagefault.consts import FOLL_GET


def o_direct_reference():
    return FOLL_GET
