"""Each fault on a swap PTE takes the page for its own, whoever else has the slot."""


def swapin_is_exclusive(st, pfn, exclusive, fault_flags):
    return 1
