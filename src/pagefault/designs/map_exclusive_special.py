"""MAP_EXCLUSIVE with special PTEs in place of a page flag.

As map-exclusive-rfc. Claim: no check to wire up in GUP, HMM, KSM and reclaim. Breaks `counts`
where a store copies what mprotect() had write-protected, for nobody counts on the old page.
"""

PARTS = [
    "exclusive-is-anonymous",
    "map-exclusive",
    "exclusive-by-special-pte",
    "fork-drops-exclusive",
]
