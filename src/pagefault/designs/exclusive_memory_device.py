"""/dev/exclusive_memory: a character device, the alternative of October 2019 to a VMA flag.

Christopher Lameter and others in the thread of MAP_EXCLUSIVE. The rest is as in memfd_secret(2).
"""

PARTS = [
    "exclusive-device-maps-pfns",
]
