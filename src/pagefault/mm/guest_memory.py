"""How KVM comes to the memory of a guest that its VMM has not mapped, and to what it has.

Guest memory of a file is found in that file (virt/kvm/guest_memfd.c), with no address of the VMM.
An instruction that KVM has to emulate it reads by the VMM's address, as any system call would
(virt/kvm/kvm_main.c). What follows an address space by GUP stands in secondary.py.

Each access of the guest looks the page up anew. Left out: the entries that KVM keeps and the
invalidations that end them, memslots, which of the guest's pages are private to it.
"""

from pagefault.consts import EFAULT, EINVAL, FILE_EVICTED
from pagefault.hw.monitor import SECRET, observe_file_read, write_cell, write_seen_by_mappings
from pagefault.mm.folio_lock import folio_unlock
from pagefault.mm.page_alloc import folio_put
from pagefault.mm.secretmem import FILE_USERS, fput_files, secretmem_read_folio
from pagefault.mm.uaccess import copy_from_user


def kvm_gmem_takes(st, file):
    """virt/kvm/guest_memfd.c kvm_gmem_bind(), v6.12: whether it is a file of KVM's own, which a
    memslot can have. What memfd_secret() makes is none."""
    return 0


def kvm_gmem_get_pfn(st, t, file, index):
    """virt/kvm/guest_memfd.c kvm_gmem_get_pfn(), v6.12: the page, locked and with a reference, and
    the file held meanwhile. -EINVAL for what no memslot takes, -EFAULT when the file is gone."""
    if not kvm_gmem_takes(st, file) or index >= st.file[file].nr_pages:
        return -EINVAL
    if st.file[file].closed == FILE_EVICTED:
        return -EFAULT
    st.file[file].private[FILE_USERS] += 1
    pfn = yield from secretmem_read_folio(st, t, file, index)
    if pfn < 0:
        yield from kvm_gmem_put_file(st, t, file)
        return -EFAULT
    return pfn


def kvm_gmem_put_file(st, t, file):
    """virt/kvm/guest_memfd.c kvm_gmem_get_pfn(), v6.12: the file is held no more; whoever was the
    last to hold it releases it."""
    st.file[file].private[FILE_USERS] -= 1
    yield from fput_files(st, t)


def kvm_gmem_put_folio(st, t, file, pfn):
    """virt/kvm/guest_memfd.c kvm_gmem_get_pfn(), v6.12: folio lock and references are
    dropped; here when the guest has done with the page."""
    folio_unlock(st, pfn)
    folio_put(st, pfn)
    yield from kvm_gmem_put_file(st, t, file)


def sys_guest_read(st, t, file, index, cell):
    """arch/x86/kvm/mmu/mmu.c kvm_faultin_pfn_private(), v6.12: the guest reads a cell, its vCPU
    being this task: the value, or a negative errno."""
    pfn = yield from kvm_gmem_get_pfn(st, t, file, index)
    if pfn < 0:
        return pfn
    ret = st.page[pfn].cell[cell]
    observe_file_read(st, pfn, cell)
    yield from kvm_gmem_put_folio(st, t, file, pfn)
    return ret


def sys_guest_write(st, t, file, index, cell, value):
    """arch/x86/kvm/mmu/mmu.c kvm_faultin_pfn_private(), v6.12: the guest writes a cell, which is as
    secret as if the VMM had stored it: 0, or a negative errno."""
    pfn = yield from kvm_gmem_get_pfn(st, t, file, index)
    if pfn < 0:
        return pfn
    write_cell(st, st.task[t].mm, pfn, cell, value)
    st.page[pfn].audience[cell] |= SECRET
    write_seen_by_mappings(st, pfn, cell, value)
    yield from kvm_gmem_put_folio(st, t, file, pfn)
    return 0


def __kvm_read_guest_page(st, t, vpn, cell):
    """virt/kvm/kvm_main.c __kvm_read_guest_page(), v6.12: by the address that the VMM has for it,
    so that neither GUP nor the direct map is asked: the value, or -EFAULT without one."""
    return (yield from copy_from_user(st, t, vpn, cell))


def sys_emulate(st, t, vpn, cell):
    """arch/x86/kvm/x86.c kvm_fetch_guest_virt(), v6.12: KVM emulates an instruction of the guest
    whose vCPU this task is, and reads it: the value, or -EFAULT."""
    return (yield from __kvm_read_guest_page(st, t, vpn, cell))
