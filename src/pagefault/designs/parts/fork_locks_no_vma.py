"""fork() locks no VMA, so that faults go on in what it copies: 6.4.0 to 6.4.2.

Before commit fb49c455323f (6.4.3 and 6.5) by Suren Baghdasaryan. It matters where faults take VMA
locks (`faults-under-vma-locks`) and nowhere else.
"""


def fork_locks_vma(st, mm, vpn):
    return 0
