"""guest_memfd without direct map: GUEST_MEMFD_FLAG_NO_DIRECT_MAP, v12 of 2026; not seen merged.

By Patrick Roy and Nikita Kalyazin. As memfd_secret(2) for GUP; nothing is locked or limited (a
memory cgroup is), hibernation is not refused, and what is freed is zeroed by its next owner.
Derived from the series' text.
"""

PARTS = [
    "secretmem-is-not-locked",
    "secretmem-frees-unzeroed",
    "hibernates-with-secrets",
    "kvm-binds-guest-memfd",
]
