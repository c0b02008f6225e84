"""Only a write fault on a swap PTE maps the page writable, when nobody else has a reference: 5.18.

Commit c145e0b47c77 by David Hildenbrand. No swap PTE says yet that its page was exclusive.
"""

from pagefault.consts import FAULT_FLAG_WRITE


def swapin_is_exclusive(st, pfn, exclusive, fault_flags):
    return fault_flags & FAULT_FLAG_WRITE and st.folio[pfn].refcount == 1
