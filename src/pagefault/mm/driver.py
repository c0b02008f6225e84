"""A driver with a buffer that processes may map: its mmap(), its VMA callbacks, its ioctls.

Models what io_uring/memmap.c, net/packet/af_packet.c, kernel/bpf/arraymap.c, kernel/events/core.c
(perf), drivers/video/fbdev/udlfb.c and sound/core/pcm_native.c have in common, v6.12 with the bugs
mended that docs/vmalloc.md lists; where they differ stands in small functions, by the kind of the
file. The object is `file.private` (DRV_* of consts.py); it counts mappings by the callbacks of its
VMAs, which are called for fork, split and mremap, and not for the first mmap().

Left out: file operations other than these, and that each driver has a lock of its own kind.
"""

from pagefault.consts import (
    AREA_DEFERRED,
    BLOCKED,
    BUG_UNLOCK,
    DRV_AREA,
    DRV_IN_FLIGHT,
    DRV_MAPPED,
    EBADF,
    EBUSY,
    EINVAL,
    ENOENT,
    EPERM,
    FILE_CLOSED,
    FILE_IO_URING,
    FILE_PACKET,
    FILE_PERF,
    FILE_RINGBUF,
    FOLL_GET,
    IOCTL_FREE,
    IOCTL_REALLOC,
    IOCTL_SEND,
    MAP_FIXED,
    NR_VMALLOC,
    PIN_FREE,
    PIN_HELD,
    PROP_COUNTS,
    VM_DONTCOPY,
    VM_DONTEXPAND,
    VM_MAYWRITE,
    VM_SHARED,
    VM_WRITE,
    VMA_AREA_SHIFT,
    VMA_FILE_MASK,
    VMA_FILE_SHIFT,
    VMA_NUMBER_MASK,
)
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.monitor import break_promise, kernel_page_written, observe_read, write_cell
from pagefault.mm.bpf import (
    arena_get_unmapped_area,
    arena_map_mmap,
    bpf_ringbuf_area_alloc,
    is_arena,
)
from pagefault.mm.driver_kinds import (
    chooses_the_address,
    clears_maywrite,
    close_frees_under_the_mutex,
    copied_by_fork,
    counts_before_it_maps,
    counts_copies,
    counts_mappings,
    free_holds_the_mutex,
    freed_by_last_close,
    is_driver,
    is_in_flight,
    length_is_right,
    maps_by_address,
    maps_pfns,
    may_be_freed,
    may_be_private,
    may_be_writable,
    may_split,
    minds_what_is_not_there,
    mmap_holds_the_mutex,
    refuses_while_mapped,
    waits_for_skbs,
)
from pagefault.mm.gup import gup_put_folio, try_grab_folio
from pagefault.mm.perf import perf_maps_on_fault
from pagefault.mm.remap import (
    remap_pfn_range,
    remap_vmalloc_range,
    set_vma_flags,
    vm_insert_pages,
)
from pagefault.mm.secretmem import fput_files
from pagefault.mm.vmalloc import (
    area_close,
    area_open,
    boot_area,
    kernel_address_reach,
    vfree,
    vmalloc_user,
)


def boot_drivers(st):
    """Each driver has its buffer when the first program opens it."""
    for file in range(st.nr_files):
        if is_driver(st.file[file].kind):
            st.file[file].private[DRV_AREA] = boot_buffer(st, file) + 1


def boot_buffer(st, file):
    """The area of a file's buffer."""
    if st.file[file].kind == FILE_RINGBUF:
        return bpf_ringbuf_area_alloc(st, st.file[file].nr_pages)
    return boot_area(st, st.file[file].nr_pages)


# --- the driver's mutex ------------------------------------------------------------------------


def driver_lock(st, t, file):
    yield "driver's mutex"
    while st.file[file].i_rwsem:
        yield BLOCKED
    st.file[file].i_rwsem = 1


def driver_unlock(st, file):
    VM_BUG_ON(st, not st.file[file].i_rwsem, BUG_UNLOCK)
    st.file[file].i_rwsem = 0


# --- the buffer --------------------------------------------------------------------------------


def free_buffer(st, t, file, v):
    """The object has let go of its buffer: it is freed, once no skb is in flight."""
    if st.file[file].private[DRV_IN_FLIGHT] and waits_for_skbs(st, file):
        st.vmalloc[v].private[AREA_DEFERRED] = file + 1
        return
    yield from vfree(st, t, v)


def take_buffer(st, file):
    """The object's buffer, that it has no more; -1 without."""
    v = st.file[file].private[DRV_AREA] - 1
    st.file[file].private[DRV_AREA] = 0
    return v


def is_mapped_somewhere(st, file):
    """Whether a VMA holds the file (vma->vm_file)."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            vma_private = st.mm[mm].vma[vpn].private
            if vma_private and vma_private >> VMA_FILE_SHIFT & VMA_FILE_MASK == file:
                return 1
    return 0


def driver_release(st, t, file):
    """->release of the file: nobody has it open or maps it. Locks: the driver's mutex held."""
    if st.file[file].closed and not is_mapped_somewhere(st, file):
        v = take_buffer(st, file)
        if v >= 0:
            yield from free_buffer(st, t, file, v)


# --- mmap() and VMAs ---------------------------------------------------------------------------


def maps_on_fault(st, file):
    """Whether mmap() leaves it to ->fault to map pages, which are counted then."""
    return is_arena(st, file) or (st.file[file].kind == FILE_PERF and perf_maps_on_fault())


def driver_map(st, t, mm, start, end, file, v):
    """How the driver puts its buffer into page tables: 0 or a negative errno."""
    if maps_on_fault(st, file):
        set_vma_flags(st, mm, start, end, VM_DONTEXPAND)
        return arena_map_mmap(st, file, start, end - start) if is_arena(st, file) else 0
    if maps_pfns(st, file):
        return (yield from remap_pfn_range(st, t, mm, start, end, v))
    if maps_by_address(st, file):
        return (yield from remap_vmalloc_range(st, t, mm, start, end, v))
    if st.file[file].kind == FILE_IO_URING:
        set_vma_flags(st, mm, start, end, VM_DONTEXPAND)
    return (yield from vm_insert_pages(st, t, mm, start, end, v))


def driver_mmap(st, t, mm, start, end, file):
    """file->f_op->mmap() of a VMA that was made: 0 or a negative errno. Locks: mmap_lock held
    for writing; takes the driver's mutex."""
    ret = driver_refuses(st, mm, start, end, file)
    if ret != 0:
        return ret
    set_driver_flags(st, mm, start, end, file)
    yield from driver_lock(st, t, file)
    if not st.file[file].private[DRV_AREA] and freed_by_last_close(st, file):
        st.file[file].private[DRV_AREA] = vmalloc_user(st, st.file[file].nr_pages) + 1
    v = st.file[file].private[DRV_AREA] - 1
    ret = -EINVAL
    if v >= 0 and length_is_right(st, file, end - start, st.vmalloc[v].nr_pages):
        number_vma(st, mm, start, end, file, v)
        if not mmap_holds_the_mutex(st, file):
            driver_unlock(st, file)
            yield "buffer found, mutex dropped"
        ret = yield from map_and_count(st, t, mm, start, end, file, v)
        if not mmap_holds_the_mutex(st, file):
            yield from driver_lock(st, t, file)
    driver_unlock(st, file)
    return ret


def map_and_count(st, t, mm, start, end, file, v):
    """The VMA counts, and its pages are mapped. A mapping that failed counts no more."""
    if counts_before_it_maps(st, file):
        count_mmap(st, file, v)
    ret = yield from driver_map(st, t, mm, start, end, file, v)
    if not counts_before_it_maps(st, file):
        count_mmap(st, file, v)
    if ret != 0:
        count_mapping(st, file, -1)
        area_close(st, v)
        number_vma(st, mm, start, end, file, -1)
    return ret


def count_mmap(st, file, v):
    """mmap() counts its VMA itself: ->open is not called for the first one."""
    count_mapping(st, file, 1)
    area_open(st, v)


def count_mapping(st, file, more):
    """One VMA more or less."""
    if counts_mappings(st, file):
        st.file[file].private[DRV_MAPPED] += more
        if st.file[file].private[DRV_MAPPED] < 0:
            break_promise(st, PROP_COUNTS)
            st.file[file].private[DRV_MAPPED] = 0


def get_unmapped_area(st, file, start, length, map_flags):
    """mm/mmap.c __get_unmapped_area(), v6.12, of an address that the program names: 0, or a
    negative errno where the file chooses."""
    if not is_driver(st.file[file].kind):
        return 0
    if chooses_the_address(st, file) and map_flags & MAP_FIXED:
        return -EINVAL
    return arena_get_unmapped_area(st, file, start, length) if is_arena(st, file) else 0


def driver_refuses(st, mm, start, end, file):
    """A negative errno where the driver wants no such VMA, else 0."""
    vm_flags = st.mm[mm].vma[start].vm_flags
    if st.file[file].closed or (not vm_flags & VM_SHARED and not may_be_private(st, file)):
        return -EINVAL
    if vm_flags & VM_WRITE and not may_be_writable(st, file, end - start):
        return -EPERM
    return 0


def set_driver_flags(st, mm, start, end, file):
    """What the driver says of the VMA."""
    if not copied_by_fork(st, file):
        set_vma_flags(st, mm, start, end, VM_DONTCOPY)
    if clears_maywrite(st, file) and not st.mm[mm].vma[start].vm_flags & VM_WRITE:
        for vpn in range(start, end):
            st.mm[mm].vma[vpn].vm_flags &= ~VM_MAYWRITE


def number_vma(st, mm, start, end, file, v):
    """The VMA gets the number that keeps it apart from its neighbours, and vm_private_data; none
    where `v` is -1."""
    for vpn in range(start, end):
        st.mm[mm].vma[vpn].private = 0
        if v >= 0:
            st.mm[mm].vma[vpn].private = (
                start + 1 | file << VMA_FILE_SHIFT | (v + 1) << VMA_AREA_SHIFT
            )


def vma_file(st, mm, vpn):
    """The file of a driver's VMA."""
    return st.mm[mm].vma[vpn].private >> VMA_FILE_SHIFT & VMA_FILE_MASK


def vma_area(st, mm, vpn):
    """The area that a driver's VMA maps."""
    return (st.mm[mm].vma[vpn].private >> VMA_AREA_SHIFT) - 1


def starts_driver_vma(st, mm, vpn):
    """Whether a driver's VMA begins here. One that begins at 0 has number 1."""
    vma_private = st.mm[mm].vma[vpn].private
    return vma_private != 0 and (vpn == 0 or st.mm[mm].vma[vpn - 1].private != vma_private)


def driver_vma_open(st, mm, vpn):
    """vma->vm_ops->open(): fork, split or mremap has made a VMA. Locks: mmap_lock for writing. The
    counters are atomic."""
    file = vma_file(st, mm, vpn)
    if counts_copies(st, file):
        st.file[file].private[DRV_MAPPED] += 1
    area_open(st, vma_area(st, mm, vpn))


def driver_vma_close(st, t, mm, vpn, end):
    """mm/vma.c remove_vma(), v6.12: ->close of the VMA at `vpn`, and the file is put. Its pages are
    unmapped and the TLBs flushed."""
    file = vma_file(st, mm, vpn)
    v = vma_area(st, mm, vpn)
    yield from driver_lock(st, t, file)
    forget_vma(st, mm, vpn, end)
    area_close(st, v)
    count_mapping(st, file, -1)
    if freed_by_last_close(st, file) and not st.file[file].private[DRV_MAPPED]:
        if not close_frees_under_the_mutex(st, file):
            driver_unlock(st, file)
            yield from driver_lock(st, t, file)
        v = take_buffer(st, file)
        if v >= 0:
            yield from free_buffer(st, t, file, v)
    yield from driver_release(st, t, file)
    driver_unlock(st, file)


def forget_vma(st, mm, vpn, end):
    """The VMA at `vpn` is gone, up to its end or `end`."""
    vma_private = st.mm[mm].vma[vpn].private
    after = vpn
    while after < end and st.mm[mm].vma[after].private == vma_private:
        st.mm[mm].vma[after].private = 0
        after += 1


def remove_driver_vmas(st, t, mm, start, end):
    """mm/vma.c vms_complete_munmap_vmas(), v6.12: the drivers learn that VMAs are gone."""
    for vpn in range(start, end):
        if st.mm[mm].vma[vpn].private:
            yield from driver_vma_close(st, t, mm, vpn, end)


def split_vma(st, mm, vpn):
    """mm/vma.c __split_vma(), v6.12, of a driver's VMA before `vpn`, if it is one there: 0 or
    -EINVAL. Others need no more than records that differ."""
    if vpn == 0 or vpn >= st.nr_vpns:
        return 0
    vma_private = st.mm[mm].vma[vpn].private
    if vma_private == 0 or st.mm[mm].vma[vpn - 1].private != vma_private:
        return 0
    if not may_split(st, vma_file(st, mm, vpn)):
        return -EINVAL
    after = vpn
    while after < st.nr_vpns and st.mm[mm].vma[after].private == vma_private:
        st.mm[mm].vma[after].private = vma_private & ~VMA_NUMBER_MASK | vpn + 1
        after += 1
    driver_vma_open(st, mm, vpn)
    return 0


def split_vmas(st, mm, start, end):
    """The VMAs of vpns [start, end) are to be changed alone: 0, or -EINVAL if a driver minds."""
    if split_vma(st, mm, start) != 0:
        return -EINVAL
    return split_vma(st, mm, end)


def copy_driver_vma(st, mm, vpn, other_mm, new_vpn, first):
    """The record of a VMA's page at its new place; `first` is where the new VMA begins."""
    vma_private = st.mm[mm].vma[vpn].private
    if vma_private == 0:
        return
    st.mm[other_mm].vma[new_vpn].private = vma_private & ~VMA_NUMBER_MASK | first + 1
    if new_vpn == first:
        driver_vma_open(st, other_mm, new_vpn)


# --- system calls ------------------------------------------------------------------------------


def sys_close(st, t, file):
    """fs/open.c close(), v6.12, of the last descriptor of a file: 0, or -EBADF. Mappings keep
    it."""
    if st.file[file].closed:
        return -EBADF
    if is_driver(st.file[file].kind):
        yield from driver_fput(st, t, file)
        return 0
    st.file[file].closed = FILE_CLOSED
    yield "closed, file not looked at"
    yield from fput_files(st, t)
    return 0


def driver_fput(st, t, file):
    """fs/file_table.c __fput(), v6.12, of a driver. Each VMA still holds the file."""
    yield from driver_lock(st, t, file)
    st.file[file].closed = FILE_CLOSED
    yield from driver_release(st, t, file)
    driver_unlock(st, file)


def sys_ioctl(st, t, file, command):
    """ioctl(2) of a driver: 0 or a negative errno."""
    if st.file[file].closed:
        return -EBADF
    if not is_driver(st.file[file].kind):
        return -EINVAL
    if command == IOCTL_SEND:
        if st.file[file].kind != FILE_PACKET:
            return -EINVAL
        return (yield from packet_send(st, t, file))
    return (yield from change_buffer(st, t, file, command))


def change_buffer(st, t, file, command):
    """Unregister a ring, packet_set_ring(), snd_pcm_hw_free() or hw_params(), a new video mode:
    the buffer is freed, and for IOCTL_REALLOC a new one made."""
    if command not in (IOCTL_FREE, IOCTL_REALLOC) or not may_be_freed(st, file):
        return -EINVAL
    yield from driver_lock(st, t, file)
    ret = 0
    if refuses_while_mapped(st, file) and st.file[file].private[DRV_MAPPED]:
        ret = -EBUSY
    elif is_in_flight(st, file):
        ret = -EBUSY
    elif minds_what_is_not_there(st, file) and not st.file[file].private[DRV_AREA]:
        ret = -ENOENT
    else:
        yield from replace_buffer(st, t, file, command)
    driver_unlock(st, file)
    return ret


def replace_buffer(st, t, file, command):
    """The old buffer goes, or is with those who map it. Locks: the driver's mutex held."""
    v = st.file[file].private[DRV_AREA] - 1
    if not free_holds_the_mutex(st, file):
        driver_unlock(st, file)
        yield from driver_lock(st, t, file)
    st.file[file].private[DRV_AREA] = 0
    if v >= 0:
        yield from free_buffer(st, t, file, v)
    if command == IOCTL_REALLOC:
        st.file[file].private[DRV_AREA] = vmalloc_user(st, st.file[file].nr_pages) + 1


def sys_kread(st, t, file, index, cell):
    """The kernel reads its buffer by the address that it has, as bpf_map_lookup_elem() does: the
    value, or -EINVAL without a buffer."""
    if st.file[file].closed:
        return -EBADF
    pfn = yield from kernel_use(st, t, file, index)
    if pfn < 0:
        return -EINVAL
    observe_read(st, st.task[t].mm, pfn, cell)
    return st.page[pfn].cell[cell]


def sys_kwrite(st, t, file, index, cell, value):
    """The kernel writes its buffer by the address that it has, as bpf_map_update_elem() does: 0, or
    -EINVAL without a buffer."""
    if st.file[file].closed:
        return -EBADF
    pfn = yield from kernel_use(st, t, file, index)
    if pfn < 0:
        return -EINVAL
    kernel_writes(st, t, pfn, cell, value)
    return 0


def kernel_use(st, t, file, index):
    """The frame that the buffer's address reaches, with the mutex held; -1 without a buffer."""
    yield from driver_lock(st, t, file)
    v = st.file[file].private[DRV_AREA] - 1
    pfn = -1
    if v >= 0 and index < st.vmalloc[v].nr_pages:
        pfn = kernel_address_reach(st, t, v, index, st.vmalloc[v].pfn[index])
    driver_unlock(st, file)
    return pfn


def kernel_writes(st, t, pfn, cell, value):
    """A store of the kernel's: who maps the page is to see it."""
    write_cell(st, st.task[t].mm, pfn, cell, value)
    kernel_page_written(st, pfn, cell, value)


def packet_send(st, t, file):
    """net/packet/af_packet.c tpacket_snd(), v6.12: the skb holds the frame of page 0, and its
    destructor tpacket_destruct_skb() writes the frame's status, here 0 into cell 3, by the ring's
    address. -EBUSY without a ring, -EINVAL of other drivers."""
    yield from driver_lock(st, t, file)
    v = st.file[file].private[DRV_AREA] - 1
    if v < 0:
        driver_unlock(st, file)
        return -EBUSY
    st.task[t].pin.state = PIN_HELD
    st.task[t].pin.gup_flags = FOLL_GET
    st.task[t].pin.pfn = st.vmalloc[v].pfn[0]
    try_grab_folio(st, st.task[t].pin.pfn, FOLL_GET)
    st.file[file].private[DRV_IN_FLIGHT] += 1
    driver_unlock(st, file)
    yield "skb in flight"
    reached_pfn = kernel_address_reach(st, t, v, 0, st.task[t].pin.pfn)
    if reached_pfn >= 0:
        kernel_writes(st, t, reached_pfn, 3, 0)
    skb_release_data(st, t)
    st.file[file].private[DRV_IN_FLIGHT] -= 1
    if not st.file[file].private[DRV_IN_FLIGHT]:
        yield from free_deferred(st, t, file)
    return 0


def skb_release_data(st, t):
    """net/core/skbuff.c skb_release_data(), v6.12: the frame is put."""
    pfn = st.task[t].pin.pfn
    st.task[t].pin.state = PIN_FREE
    st.task[t].pin.gup_flags = 0
    st.task[t].pin.pfn = 0
    st.task[t].pin.dangling = 0
    gup_put_folio(st, pfn, FOLL_GET)


def free_deferred(st, t, file):
    """No skb is in flight any more: what waited for that is freed."""
    for v in range(NR_VMALLOC):
        if st.vmalloc[v].private[AREA_DEFERRED] == file + 1:
            st.vmalloc[v].private[AREA_DEFERRED] = 0
            yield from vfree(st, t, v)
