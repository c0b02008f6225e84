"""A huge page that waits to be split moves whole: what is mapped no more is copied, too.

Up to 6.9. Since commit 7262f208ca68 (6.10) by Zi Yan it is split first.
"""


def migration_splits_first(st, pfn):
    return 0
