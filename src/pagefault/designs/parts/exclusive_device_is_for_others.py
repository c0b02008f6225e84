"""The device node belongs to somebody else: who may have exclusive memory is its mode's to say.

/dev/exclusive_memory, October 2019: the administrator's permission by chmod. open(2) is part of the
mapping here. A boot switch (secretmem.enable=0) is no-memfd-secret; a flag of mmap(2) or
memfd_create(2) asks nobody.
"""

from pagefault.consts import EACCES


def secretmem_mmap(st, mm, vm_flags, nr_pages):
    return -EACCES
