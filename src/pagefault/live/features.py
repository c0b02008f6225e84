"""What a kernel must offer. The C program tries it out; it never asks for versions."""

from __future__ import annotations

from enum import Enum

__all__ = ["Feature"]


class Feature(Enum):
    """Something that a statement needs: the C file that has it, its probe, words for a skip."""

    PROC = ("proc.c", "probe_proc", "/proc")
    PROCESS_VM = ("remote.c", "probe_process_vm", "process_vm_readv(2)")
    PIPES = ("pipes.c", "probe_pipes", "vmsplice(2) and pipes of two pages")
    LONGTERM = (
        "pins/longterm.c",
        "probe_longterm",
        "frame numbers in /proc/PID/pagemap (CAP_SYS_ADMIN)",
    )
    GUP_TEST = (
        "pins/guptest.c",
        "probe_gup_test",
        "/sys/kernel/debug/gup_test (CONFIG_GUP_TEST, Linux 6.2)",
    )
    FRAMES = ("pagemap.c", "probe_frames", "frame numbers in /proc/PID/pagemap (CAP_SYS_ADMIN)")
    PAGEMAP = ("pagemap.c", "probe_pagemap", "/proc/PID/pagemap")
    SOFT_DIRTY = ("soft_dirty.c", "probe_soft_dirty", "soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)")
    KPAGE = ("kpage.c", "probe_kpage", "/proc/kpagecount and /proc/kpageflags (root)")
    SWAP = ("swap.c", "probe_swap", "swap and MADV_PAGEOUT (/proc/swaps)")
    POPULATE = ("populate.c", "probe_populate", "madvise(2) with MADV_POPULATE_READ (5.14)")
    DROPPABLE = ("droppable.c", "probe_droppable", "mmap(2) with MAP_DROPPABLE (6.11)")
    SEAL = ("verbs/mseal.c", "probe_seal", "mseal(2) (6.10)")
    RECLAIM = (
        "reclaim.c",
        "probe_reclaim",
        "memory.reclaim of a cgroup of its own (PAGEFAULT_CGROUP), and swap (/proc/swaps)",
    )
    RECLAIM_FILE = (
        "reclaim.c",
        "probe_reclaim_file",
        "memory.reclaim of a cgroup of its own (PAGEFAULT_CGROUP), with swappiness=0 (6.9)",
    )
    KSM = ("ksm.c", "probe_ksm", "KSM that nobody else uses (/sys/kernel/mm/ksm, root)")
    NUMA = ("numa.c", "probe_numa", "a second NUMA node")
    THP = (
        "thp.c",
        "probe_thp",
        "huge pages by MADV_HUGEPAGE and not without (transparent_hugepage/enabled = madvise)",
    )
    COLLAPSE = ("thp.c", "probe_collapse", "MADV_COLLAPSE (6.1)")
    IO_URING = ("pins/ring.c", "probe_io_uring", "io_uring (kernel.io_uring_disabled = 0)")
    TEE = ("pins/splice.c", "probe_tee", "vmsplice(2) and tee(2)")
    DIRECT = (
        "pins/direct.c",
        "probe_direct",
        "files with O_DIRECT, userfaultfd(2), frame numbers in pagemap",
    )
    DIRECT_GET = (
        "pins/direct.c",
        "probe_direct_get",
        "O_DIRECT reads by FOLL_GET (Linux up to 6.4), userfaultfd(2), frame numbers in pagemap",
    )
    PROC_MEM = ("verbs/proc_mem.c", "probe_proc_mem", "/proc/PID/mem that forces its way")
    PTRACE = ("verbs/ptrace.c", "probe_ptrace", "ptrace(2) of other processes")
    CORES = (
        "verbs/dump.c",
        "probe_core",
        "core dumps into the folder of the process (kernel.core_pattern without | and /)",
    )
    UFFD_MISSING = (
        "verbs/userfaults.c",
        "probe_uffd_missing",
        "userfaultfd(2), UFFD_FEATURE_SIGBUS",
    )
    UFFD_WP = (
        "verbs/userfaults.c",
        "probe_uffd_wp",
        "userfaultfd(2), UFFD_FEATURE_PAGEFAULT_FLAG_WP",
    )
    UFFD_MOVE = ("verbs/userfaults.c", "probe_uffd_move", "userfaultfd(2), UFFD_FEATURE_MOVE (6.8)")
    UFFD_MINOR = (
        "verbs/userfaults.c",
        "probe_uffd_minor",
        "userfaultfd(2), UFFD_FEATURE_MINOR_SHMEM (5.14)",
    )
    SHMEM_FILES = ("verbs/files.c", "probe_shmem_files", "memfd_create(2)")
    SECRET_FILES = (
        "verbs/files.c",
        "probe_secret_files",
        "memfd_secret(2) (Linux 5.14; up to 6.4 with secretmem.enable=1)",
    )
    REGULAR_FILES = (
        "verbs/files.c",
        "probe_regular_files",
        "a folder on a disk (PAGEFAULT_FS, TMPDIR, /var/tmp, /tmp), with O_TMPFILE",
    )
    RINGS = ("drivers.c", "probe_rings", "rings of io_uring for provided buffers, to map (6.4)")
    PACKET_RINGS = ("drivers.c", "probe_packet_rings", "packet sockets (CAP_NET_RAW)")
    BPF_ARRAYS = ("drivers.c", "probe_bpf_arrays", "bpf arrays to map (CAP_BPF, Linux 5.5)")
    PERF_BUFFERS = ("drivers.c", "probe_perf_buffers", "perf_event_open(2)")
    UPROBES = (
        "verbs/uprobes.c",
        "probe_uprobes",
        "uprobes for all processes by perf_event_open(2) (CAP_PERFMON)",
    )
    USERFAULTFD = (
        "pins/copy.c",
        "probe_userfaultfd",
        "userfaultfd(2) for faults in the kernel (CAP_SYS_PTRACE, or vm.unprivileged_userfaultfd)",
    )

    def __init__(self, file: str, probe: str, text: str) -> None:
        self.file = file
        self.probe = probe
        self.text = text
