"""What a kernel must offer. The C program tries it out; it never asks for versions."""

from __future__ import annotations

from enum import Enum

__all__ = ["Feature"]


class Feature(Enum):
    """Something that a statement needs: the C file that has it, and words for a skip."""

    PROC = ("proc.c", "/proc")
    PROCESS_VM = ("remote.c", "process_vm_readv(2)")
    PIPES = ("pipes.c", "vmsplice(2) and pipes of two pages")
    LONGTERM = ("pins/longterm.c", "frame numbers in /proc/PID/pagemap (CAP_SYS_ADMIN)")
    GUP_TEST = ("pins/guptest.c", "/sys/kernel/debug/gup_test (CONFIG_GUP_TEST, Linux 6.2)")
    FRAMES = ("pagemap.c", "frame numbers in /proc/PID/pagemap (CAP_SYS_ADMIN)")
    PAGEMAP = ("pagemap.c", "/proc/PID/pagemap")
    SOFT_DIRTY = ("soft_dirty.c", "soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)")
    KPAGE = ("kpage.c", "/proc/kpagecount and /proc/kpageflags (root)")
    SWAP = ("swap.c", "swap and MADV_PAGEOUT (/proc/swaps)")
    POPULATE = ("populate.c", "madvise(2) with MADV_POPULATE_READ (5.14)")
    DROPPABLE = ("droppable.c", "mmap(2) with MAP_DROPPABLE (6.11)")
    SEAL = ("verbs/mseal.c", "mseal(2) (6.10)")
    DIRECT_MAP = ("verbs/vmstat.c", "direct_map_level2_splits in /proc/vmstat (x86, Linux 5.13)")
    BAD_FRAMES = (
        "verbs/poison.c",
        "/sys/devices/system/memory/hard_offline_page (root, CONFIG_MEMORY_FAILURE)",
    )
    RECLAIM = (
        "reclaim.c",
        "memory.reclaim of a cgroup of its own (PAGEFAULT_CGROUP), and swap (/proc/swaps)",
    )
    RECLAIM_FILE = (
        "reclaim.c",
        "memory.reclaim of a cgroup of its own (PAGEFAULT_CGROUP), with swappiness=0 (6.9)",
    )
    KSM = ("ksm.c", "KSM that nobody else uses (/sys/kernel/mm/ksm, root)")
    NUMA = ("numa.c", "a second NUMA node")
    THP = (
        "thp.c",
        "huge pages by MADV_HUGEPAGE and not without (transparent_hugepage/enabled = madvise)",
    )
    COLLAPSE = ("thp.c", "MADV_COLLAPSE (6.1)")
    IO_URING = ("pins/ring.c", "io_uring (kernel.io_uring_disabled = 0)")
    TEE = ("pins/splice.c", "vmsplice(2) and tee(2)")
    DIRECT = ("pins/direct.c", "files with O_DIRECT, userfaultfd(2), frame numbers in pagemap")
    DIRECT_GET = (
        "pins/direct.c",
        "O_DIRECT reads by FOLL_GET (Linux up to 6.4), userfaultfd(2), frame numbers in pagemap",
    )
    PROC_MEM = ("verbs/proc_mem.c", "/proc/PID/mem that forces its way")
    PTRACE = ("verbs/ptrace.c", "ptrace(2) of other processes")
    CORES = (
        "verbs/dump.c",
        "core dumps into the folder of the process (kernel.core_pattern without | and /)",
    )
    UFFD_MISSING = ("verbs/userfaults.c", "userfaultfd(2), UFFD_FEATURE_SIGBUS")
    UFFD_WP = ("verbs/userfaults.c", "userfaultfd(2), UFFD_FEATURE_PAGEFAULT_FLAG_WP")
    UFFD_MOVE = ("verbs/userfaults.c", "userfaultfd(2), UFFD_FEATURE_MOVE (6.8)")
    UFFD_MINOR = ("verbs/userfaults.c", "userfaultfd(2), UFFD_FEATURE_MINOR_SHMEM (5.14)")
    SHMEM_FILES = ("verbs/files.c", "memfd_create(2)")
    SECRET_FILES = (
        "verbs/files.c",
        "memfd_secret(2) (Linux 5.14; up to 6.4 with secretmem.enable=1)",
    )
    REGULAR_FILES = (
        "verbs/files.c",
        "a folder on a disk (PAGEFAULT_FS, TMPDIR, /var/tmp, /tmp), with O_TMPFILE",
    )
    RINGS = ("drivers.c", "rings of io_uring for provided buffers, to map (6.4)")
    PACKET_RINGS = ("drivers.c", "packet sockets (CAP_NET_RAW)")
    BPF_ARRAYS = ("drivers.c", "bpf arrays to map (CAP_BPF, Linux 5.5)")
    BPF_RING_BUFFERS = ("drivers.c", "bpf ring buffers to map (CAP_BPF, Linux 5.8)")
    BPF_ARENAS = ("drivers.c", "bpf arenas (CAP_BPF, Linux 6.9)")
    PERF_BUFFERS = ("drivers.c", "perf_event_open(2)")
    UPROBES = ("verbs/uprobes.c", "uprobes for all processes by perf_event_open(2) (CAP_PERFMON)")
    USERFAULTFD = (
        "pins/copy.c",
        "userfaultfd(2) for faults in the kernel (CAP_SYS_PTRACE, or vm.unprivileged_userfaultfd)",
    )

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @property
    def probe(self) -> str:
        """The function of the file that tries it out."""
        return f"probe_{self.name.lower()}"
