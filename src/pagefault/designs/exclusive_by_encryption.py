"""Memory with two incoherent views, as AMD SEV has it for guests.

Claim: `secret-is`, with the direct map as it is; DMA, swap, dumps and copies get ciphertext.
"""

PARTS = [
    "exclusive-is-anonymous",
    "exclusive-is-private",
    "sev-two-views",
    "hibernates-with-secrets",
]
