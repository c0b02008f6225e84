"""Compaction isolates anonymous pages that somebody refers to, though they cannot move.

Linux up to 3.14 (commit 119d6d59dcc0, "mm, compaction: avoid isolating pinned pages"). Claim:
migration refuses them anyway, so that nothing moves that must not. Cost: pages that stay have their
PTEs taken out and put back, and who else wants to isolate one meanwhile is told that it is busy.
"""


def compaction_skips_folio(st, pfn):
    return 0
