"""XPFO that flushes the direct map some time later.

v6 to v9 put the flush off: at once, it made the system time of a build 26 times as long on 96
cores. Until then a CPU reaches the page by a stale translation.
"""

from pagefault.hw.direct_map import set_direct_map_invalid_noflush


def prepare_anon_folio(st, mm, vpn, pfn):
    set_direct_map_invalid_noflush(st, pfn)
