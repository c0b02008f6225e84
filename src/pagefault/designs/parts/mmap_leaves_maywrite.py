"""What is mapped read-only may become writable: VM_MAYWRITE is left (usbmon 2022, ublk 2026,
CVE-2026-92495 of bnxt_re).
"""


def clears_maywrite(st, file):
    return 0
