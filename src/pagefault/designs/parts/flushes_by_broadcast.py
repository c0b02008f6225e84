"""TLB flushes are no interrupts: nobody waits for a CPU that walks tables with interrupts off.

So it is on arm64, on x86 with INVLPGB, and in guests that flush by hypercall. What keeps GUP-fast
safe there is in mm/mmu_gather.c and mm/gup.c, and not in the flush.
"""


def flush_is_held_up(st, cpu):
    return 0
