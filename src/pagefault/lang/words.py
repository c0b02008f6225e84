"""The words that calls take, by group: to add one, add it here and to the verb's entry."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ERRNOS", "SIGNALS", "WORDS"]

ERRNOS = (
    "EPERM",
    "ENOENT",
    "ESRCH",
    "EINTR",
    "EIO",
    "EBADF",
    "EAGAIN",
    "ENOMEM",
    "EACCES",
    "EFAULT",
    "EBUSY",
    "EEXIST",
    "EINVAL",
    "ESPIPE",
    "ENOSYS",
)
SIGNALS = ("SIGSEGV", "SIGBUS", "SIGKILL")

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "file": {
            "regular": "a file on a disk, whose file system wants to know of the first write",
            "shmem": "a file in memory: memfd, tmpfs",
            "secret": "exclusive memory: a file of memfd_secret(2), or what a design has for it",
            "io_uring": "a driver: a ring of io_uring, its pages inserted one by one",
            "packet": "a driver: a ring of a packet socket, its pages inserted; it counts mappings",
            "bpf": "a driver: a bpf array (BPF_F_MMAPABLE), by remap_vmalloc_range()",
            "ringbuf": "a driver: a bpf ring buffer; page 0 can be written, page 3 is page 2 again",
            "arena": "a driver: a bpf arena, by faults; it counts mappings, at one place for all",
            "perf": "a driver: the buffer of a perf event, by faults or by PFN; it counts mappings",
            "fb": "a driver: a frame buffer in memory (udlfb), mapped by PFN; it counts mappings",
            "pcm": "a driver: an ALSA buffer for DMA, mapped by PFN; it counts mappings",
        },
        "map": {
            "anon": "anonymous memory",
            "private": "copy-on-write, not shared",
            "shared": "what is stored is the file's",
            "droppable": "the kernel may take the data away at any time (MAP_DROPPABLE)",
            "locked": "locked in memory, as by mlock(); droppable memory refuses (MAP_LOCKED)",
            "populate": "the pages are made present at once (MAP_POPULATE)",
        },
        "lock": {
            "current": "what is mapped now (MCL_CURRENT)",
            "future": "what will be mapped (MCL_FUTURE)",
            "onfault": "a page when it is touched; none is made present (MLOCK_ONFAULT)",
        },
        "prot": {
            "r": "readable",
            "rw": "readable and writable",
            "none": "no access",
        },
        "advice": {
            "dontneed": "drop the pages now",
            "dontfork": "a child does not get the range",
            "dofork": "undo dontfork",
            "wipeonfork": "a child gets the range empty",
            "keeponfork": "undo wipeonfork",
            "dontdump": "the pages are in no core dump",
            "dodump": "undo dontdump",
            "free": "the data may go, until it is written anew",
            "cold": "the pages were not used lately",
            "pageout": "reclaim the pages now: to swap",
            "mergeable": "KSM may merge the pages with others",
            "unmergeable": "undo mergeable: each page its own again",
            "seclude": "take the pages away from all others; no kernel has this",
            "populate_read": "make the pages present, to read",
            "populate_write": "make the pages present, to write",
            "hugepage": "huge pages from now on, where all pages that one needs are mapped alike",
            "collapse": "make huge pages of the pages now, by copies",
        },
        "gup": {
            "read": "the holder only reads",
            "write": "the holder may write (FOLL_WRITE)",
            "longterm": "held for as long as user space likes (FOLL_LONGTERM)",
            "slow": "do not try the fast path",
        },
        "uffd": {
            "missing": "who touches a page that is not there waits",
            "wp": "who stores into a page that uffd_wp() protects waits",
            "minor": "who touches a page of a shmem file that is there, but not mapped, waits",
        },
        "ioctl": {
            "discard": "the driver frees its buffer; EBUSY where it may not while that is mapped",
            "realloc": "the driver frees its buffer and makes a new one; EBUSY as for discard",
            "send": "the driver sends page 0 without a copy, and writes 0 to its cell 3 when done",
        },
        "way": {
            "direct_map": "by the kernel's own mapping: a bug, speculation, /proc/kcore",
            "core_dump": "what a core dump of the process has",
            "hibernation": "what the image of hibernation has",
            "kdump": "by the kernel that is booted after a crash",
            "injected": "a tracer has the process itself write the page to a pipe",
            "build_id": "who reads the file that is mapped there, by the page cache",
            "uprobe": "who sets a probe in the file that is mapped there: its instruction",
        },
        "drop": {
            "dirty": "mark the page dirty first",
        },
        "follow": {
            "kvm": "a guest: looks pages up by GUP, drops them when mmu notifiers say so",
            "gpc": "KVM's own way to guest memory: a cache of pfns (gfn_to_pfn_cache)",
            "odp": "RDMA with on-demand paging: reads the page tables by HMM, an interval notifier",
            "sva": "the IOMMU walks the page tables itself, and its IOTLB is flushed as TLBs are",
            "user_map": "the kernel, in sections (Jason Gunthorpe, 11 January 2021); not in Linux",
        },
        "leaving": {
            "put": "as the completion of O_DIRECT does: the page is put, and nobody is called",
        },
        "pagemap": {
            "present": "a frame is there",
            "exclusive": "one page table entry alone maps the frame",
            "swapped": "the page is in swap",
            "soft_dirty": "written since the last clear_refs(), or mapped since",
        },
        "vmstat": {
            "splits": "large entries of the direct map that became many (direct_map_level2_splits)",
            "collapses": "many entries of the direct map that became a large one (since 6.15)",
        },
        "kpageflags": {
            "anonymous": "anonymous memory",
            "swapbacked": "may go to swap",
            "swapcache": "swap has a place for it, and may have a copy",
            "zero": "the zero page",
            "ksm": "KSM has merged it with another",
            "thp": "part of a large folio, however it is mapped",
        },
    }
)
"""Words by group, each with its meaning. Within a group they are printed in this order."""
