"""A pin for reading unshares a page, and the copy forgets what tracked the page."""

from pagefault.consts import FAULT_FLAG_UNSHARE
from pagefault.mm.memory import set_anon_pte


def set_copied_pte(st, mm, vpn, orig_pte, new_pfn, fault_flags):
    set_anon_pte(st, mm, vpn, new_pfn, not fault_flags & FAULT_FLAG_UNSHARE)
