"""Memory that the kernel never had: mem= and a mapping by PFN.

What hosts did before there was anything else. Claim: not even a crash kernel finds it.
"""

PARTS = [
    "memory-the-kernel-never-had",
]
