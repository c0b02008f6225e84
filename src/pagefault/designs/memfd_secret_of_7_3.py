"""memfd_secret(2) of Linux 7.3: pages are charged, and no VMA is locked.

As mainline with commit 97d34aa65c29 (7.3-rc2, 6.12.113, 6.1.191).
"""

PARTS = [
    "secretmem-charges-pages",
]
