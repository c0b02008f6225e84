"""A dirty page that migrates is soft-dirty afterwards, though nobody has written it.

Linux 6.1, which carries the dirty bit over (commit 2e3468778dbe): pte_mkdirty() sets the soft-dirty
bit as well, and nothing clears it again, as 6.12 does.
"""

from pagefault.consts import PAGE_DIRTY, PAGE_SOFT_DIRTY


def restored_dirty(entry):
    if entry & PAGE_DIRTY:
        return PAGE_DIRTY | PAGE_SOFT_DIRTY
    return 0
