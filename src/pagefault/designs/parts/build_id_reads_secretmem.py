"""Who looks for a build ID in a mapped file reads secret memory, too, by the page cache.

lib/buildid.c before "Handle memfd_secret() files in build_id_parse()" (in 6.1.y before 6.1.132). No
GUP is asked. Breaks `no-oops`.
"""


def build_id_refuses_secretmem(st, pfn):
    return 0
