"""memfd_create(MFD_SECRET) and an ioctl, posted by Mike Rapoport on 5 December 2019.

https://lore.kernel.org/linux-mm/20191205153400.GA25575@rapoport-lnx/. The page cache keeps track of
the pages; what ends a mapping restores all of them, MAP_PRIVATE is allowed, nothing refuses GUP and
nothing is charged. Derived from the posted text.
"""

PARTS = [
    "secretmem-takes-private",
    "mfd-secret-restores-at-close",
    "gup-ignores-secretmem",
    "gup-fast-ignores-secretmem",
    "secretmem-is-not-locked",
    "hibernates-with-secrets",
]
