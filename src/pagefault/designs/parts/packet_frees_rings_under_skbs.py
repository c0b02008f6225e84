"""A packet socket that is closed frees its ring under the frames in flight (CVE-2026-80841).

The skb's references keep the frames; its destructor writes their status by the ring's address.
"""


def waits_for_skbs(st, file):
    return 0
