"""A write fault on a swap PTE maps the page writable when no other PTE, swap PTEs counted, has it.

reuse_swap_page() in do_swap_page(), up to 5.17, before commit c145e0b47c77 by David Hildenbrand.
References from GUP are not looked at. A read fault maps the page read-only, whoever has it.
"""

from pagefault.consts import FAULT_FLAG_WRITE
from pagefault.mm.swap_state import folio_swapcount


def swapin_is_exclusive(st, pfn, exclusive, fault_flags):
    return fault_flags & FAULT_FLAG_WRITE and st.page[pfn].mapcount + folio_swapcount(st, pfn) == 0


def should_try_to_free_swap(st, pfn, fault_flags):
    return fault_flags & FAULT_FLAG_WRITE
