"""A write fault takes a KSM page for one that nobody else has."""


def wp_can_reuse(st, mm, pfn):
    return 1
