"""Exclusive page frame ownership: all anonymous memory of users is out of the direct map.

Juerg Haefliger 2016, Khalid Aziz until v9, April 2019. Nothing is zeroed when it is freed. Claim:
keeps `secret-does`, but for the time of a kmap(), which is no state here. Left out: huge pages,
which stay in the direct map.
"""

from pagefault.hw.direct_map import set_direct_map_invalid_noflush


def prepare_anon_folio(st, mm, vpn, pfn):
    set_direct_map_invalid_noflush(st, pfn)
    st.direct_map[pfn].stale_cpus = 0
