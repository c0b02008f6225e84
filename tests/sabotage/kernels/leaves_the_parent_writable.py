"""fork shares a page and leaves the parent's PTE writable."""


def ptep_set_wrprotect(st, mm, vpn):
    return
