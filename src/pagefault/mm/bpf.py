"""bpf maps in user space, where they differ from an array: ring buffers and arenas.

Models kernel/bpf/ringbuf.c and kernel/bpf/arena.c; what mmap() and ->close do is in driver.py. Left
out: what bpf programs do with them, and that an arena has a page once somebody touches it: here its
pages are there from the start, so its fault needs no mutex.
"""

from pagefault.consts import (
    DRV_AREA,
    DRV_PLACE,
    E2BIG,
    EBUSY,
    EINVAL,
    FILE_ARENA,
    PLACE_LENGTH_SHIFT,
    VM_FAULT_SIGSEGV,
)
from pagefault.mm.folio_lock import folio_lock
from pagefault.mm.i_mmap import linear_page_index
from pagefault.mm.page_alloc import folio_get
from pagefault.mm.vmalloc import boot_area, vmap_again

NR_POS_PAGES = 2  # where the consumer and the producer are


def bpf_ringbuf_area_alloc(st, nr_pages):
    """kernel/bpf/ringbuf.c bpf_ringbuf_area_alloc(), v6.12: the page that tells where the consumer
    is, that of the producer, and data, which vmap() has twice, so that a record may go beyond the
    end: one page here. Left out: pages that cannot be mapped."""
    v = boot_area(st, min(nr_pages, NR_POS_PAGES + 1))
    if nr_pages > NR_POS_PAGES + 1:
        vmap_again(st, v, NR_POS_PAGES)
    return v


def is_arena(st, file):
    return st.file[file].kind == FILE_ARENA


def vma_is_arena(st, mm, vpn):
    vm_file = st.mm[mm].vma[vpn].vm_file
    return vm_file != 0 and is_arena(st, vm_file - 1)


def arena_place(start, length):
    """Where a program has mapped an arena: user_vm_start and user_vm_end. Not 0."""
    return length << PLACE_LENGTH_SHIFT | start + 1


def arena_get_unmapped_area(st, file, start, length):
    """kernel/bpf/arena.c arena_get_unmapped_area(), v6.12: pointers into an arena must mean the
    same everywhere, so who maps it first chooses the place for all: 0 or a negative errno."""
    place = st.file[file].private[DRV_PLACE]
    if place and length > place >> PLACE_LENGTH_SHIFT:
        return -E2BIG
    if place and place != arena_place(start, length):
        return -EINVAL
    return 0


def arena_map_mmap(st, file, start, length):
    """kernel/bpf/arena.c arena_map_mmap(), v6.12: 0, or -EBUSY where another place was chosen since
    arena_get_unmapped_area() looked. Locks: the arena's mutex held."""
    place = st.file[file].private[DRV_PLACE]
    if place and place != arena_place(start, length):
        return -EBUSY
    st.file[file].private[DRV_PLACE] = arena_place(start, length)
    return 0


def arena_vm_fault(st, t, mm, vpn):
    """kernel/bpf/arena.c arena_vm_fault(), v6.12: the page, locked by __do_fault() and with a
    reference, or the negative of VM_FAULT_* bits. Locks: mmap_lock held for reading."""
    v = st.file[st.mm[mm].vma[vpn].vm_file - 1].private[DRV_AREA] - 1
    index = linear_page_index(st, mm, vpn)
    if v < 0 or index >= st.vmalloc[v].nr_pages:
        return -VM_FAULT_SIGSEGV
    pfn = st.vmalloc[v].pfn[index]
    folio_get(st, pfn)
    yield from folio_lock(st, t, pfn)
    return pfn
