"""A write fault on a huge page makes it writable in place, whoever shares it."""


def huge_folio_is_exclusive(st, pfn):
    return 1
