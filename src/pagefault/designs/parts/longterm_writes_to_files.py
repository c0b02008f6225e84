"""A long-term pin for writing may be had of any shared file: up to 6.4.

The file system learns of the first write alone; after writeback the device writes behind its back.
Refused since 6.5, commits 8ac268436e6d and a6e79df92e4a by Lorenzo Stoakes.
"""


def writable_file_mapping_allowed(st, mm, vpn, gup_flags):
    return 1


def gup_fast_folio_allowed(st, pfn, gup_flags):
    return 1
