"""Secret memory may be mapped MAP_PRIVATE: a store makes a copy, and that is ordinary memory.

As in memfd_create(MFD_SECRET) of 5 December 2019; memfd_secret(2) says -EINVAL. Breaks
`secret-does` with the first store.
"""


def secretmem_takes_private():
    return 1
