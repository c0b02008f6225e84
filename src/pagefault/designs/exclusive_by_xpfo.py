"""XPFO: no page of a user is in the direct map, but while the kernel works on it.

Juerg Haefliger and Khalid Aziz, 2016 to 2019, v9. Claim: `secret-does`, against ret2dir.
"""

PARTS = [
    "exclusive-is-anonymous",
    "exclusive-is-private",
    "kernel-maps-what-it-reaches",
    "xpfo",
    "hibernates-with-secrets",
]
