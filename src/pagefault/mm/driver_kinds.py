"""What differs from driver to driver, by the kind of the file: see driver.py.

Each function answers one question about io_uring/memmap.c, net/packet/af_packet.c,
kernel/bpf/arraymap.c, ringbuf.c and arena.c, kernel/events/core.c (perf),
drivers/video/fbdev/udlfb.c or sound/core/pcm_native.c, v6.12, and is what a design replaces that
has a driver's bug.
"""

from pagefault.consts import (
    DRV_IN_FLIGHT,
    FILE_ARENA,
    FILE_BPF,
    FILE_FB,
    FILE_IO_URING,
    FILE_PACKET,
    FILE_PCM,
    FILE_PERF,
    FILE_RINGBUF,
)


def is_driver(kind):
    return kind >= FILE_IO_URING


def maps_pfns(st, file):
    """Whether mmap() maps PFNs, that nobody counts: perf does (since 6.15), udlfb, and ALSA where
    the buffer is DMA memory (dma_mmap_coherent())."""
    return st.file[file].kind in (FILE_PERF, FILE_FB, FILE_PCM)


def maps_by_address(st, file):
    """Whether mmap() goes by remap_vmalloc_range(), which finds the area by its address: that of a
    bpf array and a ring buffer does."""
    return st.file[file].kind in (FILE_BPF, FILE_RINGBUF)


def counts_mappings(st, file):
    """Whether ->open and ->close count VMAs: po->mapped, mmap_count, dlfb's and ALSA's counters.
    An arena has one for each mmap() (vml->mmap_count). io_uring, a bpf array and a ring buffer
    go by the file, that each VMA holds."""
    return st.file[file].kind in (FILE_PACKET, FILE_PERF, FILE_FB, FILE_PCM, FILE_ARENA)


def counts_copies(st, file):
    """Whether ->open counts, too, as it must for each VMA that fork, split or mremap make."""
    return counts_mappings(st, file)


def refuses_while_mapped(st, file):
    """Whether an ioctl() that would free the buffer is refused while it is mapped: -EBUSY of
    packet_set_ring() and udlfb, -EBADFD of snd_pcm_hw_free()."""
    return counts_mappings(st, file)


def is_in_flight(st, file):
    """net/packet/af_packet.c packet_read_pending(), v6.12: skbs have pages of the ring, which stays
    for that, unless its socket is closed."""
    return st.file[file].private[DRV_IN_FLIGHT] != 0


def may_be_freed(st, file):
    """Whether an ioctl() can free the buffer at all."""
    return st.file[file].kind in (FILE_IO_URING, FILE_PACKET, FILE_FB, FILE_PCM)


def may_split(st, file):
    """vm_ops->may_split: perf does not let its VMAs be split (since 2025, CVE-2025-38563), nor does
    an arena."""
    return st.file[file].kind not in (FILE_PERF, FILE_ARENA)


def may_be_private(st, file):
    """Whether mmap() takes MAP_PRIVATE."""
    return st.file[file].kind in (FILE_IO_URING, FILE_PACKET)


def freed_by_last_close(st, file):
    """Whether the last VMA's end frees the buffer, though the file is open, and mmap() makes a new
    one: perf's."""
    return st.file[file].kind == FILE_PERF


def clears_maywrite(st, file):
    """Whether what is mapped read-only can never become writable: a bpf map's cannot."""
    return st.file[file].kind in (FILE_BPF, FILE_RINGBUF, FILE_ARENA)


def may_be_writable(st, file, length):
    """kernel/bpf/ringbuf.c ringbuf_map_mmap_kern(), v6.12: of a ring buffer, mapped from its
    beginning, only the page where the consumer tells how far it is."""
    return st.file[file].kind != FILE_RINGBUF or length == 1


def chooses_the_address(st, file):
    """io_uring/memmap.c io_uring_get_unmapped_area(), v6.12: where the ring is mapped is not for
    the program to say, for some CPUs have caches that mind. The language's `A = mmap_file()` leaves
    it to the kernel."""
    return st.file[file].kind == FILE_IO_URING


def minds_what_is_not_there(st, file):
    """Whether it is an error to free a buffer that is freed: io_unregister_pbuf_ring() says so,
    packet_set_ring() does not."""
    return st.file[file].kind == FILE_IO_URING


def length_is_right(st, file, length, nr_pages):
    """Whether so many pages may be mapped: of a packet ring or a perf buffer all, else no more."""
    if st.file[file].kind in (FILE_PACKET, FILE_PERF):
        return length == nr_pages
    return length <= nr_pages


def copied_by_fork(st, file):
    """Whether a child has the mapping, too. perf and arenas set VM_DONTCOPY."""
    return st.file[file].kind not in (FILE_PERF, FILE_ARENA)


def mmap_holds_the_mutex(st, file):
    """Whether what mmap() has looked up cannot go while it is mapped."""
    return 1


def counts_before_it_maps(st, file):
    """Whether mmap() counts itself before it maps."""
    return 1


def close_frees_under_the_mutex(st, file):
    """Whether ->close frees what it saw nobody map with the mutex held all the time."""
    return 1


def free_holds_the_mutex(st, file):
    """Whether an ioctl() that frees takes the buffer out of the object under the mutex."""
    return 1


def waits_for_skbs(st, file):
    """Whether the buffer's address stays until no skb is in flight, whose destructor writes there
    (since CVE-2026-80841)."""
    return 1
