"""MAP_EXCLUSIVE, Mike Rapoport's RFC of 27 October 2019.

https://lore.kernel.org/linux-mm/1572171452-7958-2-git-send-email-rppt@kernel.org/. mmap() flag,
anonymous and private; page flag PG_user_exclusive; populated at once; not copied by fork().
Claim: pages that only their owner reaches. What reaches them all the same is what the review found:
GUP by others, demand faults, KSM, swap after munlock(), no zeroing.
"""

PARTS = [
    "exclusive-is-anonymous",
    "map-exclusive",
    "exclusive-by-page-flag",
    "fork-drops-exclusive",
    "zap-restores-the-direct-map",
]
