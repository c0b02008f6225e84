"""A write fault makes every anonymous page writable in place."""


def wp_can_reuse_anon_folio(st, mm, pfn):
    return 1
