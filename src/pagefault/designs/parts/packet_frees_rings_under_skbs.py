"""packet_set_ring() frees a ring whose frames are in flight (CVE-2026-80841).

The skb's references keep the frames; its destructor writes their status by the ring's address.
"""


def waits_for_skbs(st, file):
    return 0
