"""A zap forgets the reference that the mapping held."""


def tlb_remove_folio(st, t, pfn):
    return
