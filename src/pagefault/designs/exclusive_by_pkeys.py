"""Protection keys in place of exclusive memory, the precedent that Dave Hansen named.

Claim: other threads of the process cannot read it. Nothing is said of the kernel.
"""

PARTS = [
    "exclusive-is-anonymous",
    "exclusive-is-private",
    "pkeys",
    "hibernates-with-secrets",
]
