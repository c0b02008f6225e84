"""A page leaves the direct map, and no CPU is told: old translations live until they are evicted.

Asked for by the guest_memfd series of 2025, where the flush made faults up to 40 times as long;
Dave Hansen and Will Deacon were against it. Breaks `secret-does`, and `secret-is` on any CPU that
had touched the page's address before.
"""


def secretmem_flush(st, t, pfn):
    yield "not flushed"
