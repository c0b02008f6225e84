"""Verbs of devices and guests, and of whoever reads memory from outside: the end of the table.

The rest, and how to add one, stands in verbs.py.
"""

from __future__ import annotations

from pagefault.lang.slots import CELL, FILE, FILE_CELL, MIRROR, PAGE, VALUE, Slot, Verb
from pagefault.lang.words import WORDS

__all__ = ["OF_OTHERS"]

OF_OTHERS = (
    Verb(
        "mirror",
        (
            Slot("mirror", "m", side="result"),
            Slot("words", group="follow", one_of=("kvm", "gpc", "odp", "sva", "user_map")),
        ),
        "status",
        "lets a device follow this address space, with page-table entries of its own",
        "KVM_CREATE_VM, ibv_reg_mr() with IBV_ACCESS_ON_DEMAND, iommu_sva_bind_device()",
        ("m = mirror(kvm)", "m = mirror(user_map)"),
    ),
    Verb(
        "enter",
        (MIRROR, PAGE),
        "status",
        "begins a section that uses the page, as a job of a GPU does; only for user_map",
        "user_map_enter()",
        ("enter(m, A)",),
        in_device=True,
    ),
    Verb(
        "leave",
        (MIRROR, Slot("words", group="leaving", optional=("put",))),
        "status",
        "ends the section, as the fence of the job does; EAGAIN where it must be done again",
        "user_map_leave()",
        ("leave(m)", "r0 = leave(m, put)"),
        in_device=True,
    ),
    Verb(
        "mirror_read",
        (MIRROR, CELL),
        "value",
        "the device reads a cell by its own entry, or faults; waits until it follows",
        "a load of the guest, DMA by virtual address",
        ("r0 = mirror_read(m, A[1])",),
        in_device=True,
    ),
    Verb(
        "mirror_write",
        (MIRROR, CELL, VALUE),
        "status",
        "the device writes a cell by its own entry, or faults; waits until it follows",
        "a store of the guest, DMA by virtual address",
        ("mirror_write(m, A[1], 5)", "r1 = mirror_write(m, A[1], r0)"),
        in_device=True,
    ),
    Verb(
        "mirror_has",
        (MIRROR, PAGE),
        "value",
        "1 if the device has an entry for the page, so that it needs no fault to read, else 0",
        "a look at the device's page tables",
        ("r0 = mirror_has(m, A)",),
        in_device=True,
    ),
    Verb(
        "mirror_drop",
        (MIRROR,),
        "status",
        "the device stops following and drops its entries",
        "close(2) of the KVM, ibv_dereg_mr(), iommu_sva_unbind_device()",
        ("mirror_drop(m)",),
        in_device=True,
    ),
    Verb(
        "futex",
        (PAGE, Slot("words", group="map", one_of=("private", "shared"))),
        "status",
        "looks a futex up, of this address space or of all that share the page",
        "futex(2), FUTEX_WAKE with and without FUTEX_PRIVATE_FLAG",
        ("r0 = futex(A, shared)", "r0 = futex(A, private)"),
    ),
    Verb(
        "receive",
        (FILE,),
        "status",
        "takes a file over from whoever has it open; EBADF once it is closed",
        "recvmsg(2), SCM_RIGHTS",
        ("receive(f)", "r0 = receive(f)"),
    ),
    Verb(
        "guest_read",
        (FILE_CELL,),
        "value",
        "this process' guest reads a cell of a file that KVM has as its memory",
        "a load of the guest, by guest_memfd",
        ("r0 = guest_read(f[1])",),
    ),
    Verb(
        "guest_write",
        (FILE_CELL, VALUE),
        "status",
        "this process' guest writes a cell of a file that KVM has as its memory",
        "a store of the guest, by guest_memfd",
        ("guest_write(f[1], 5)", "r1 = guest_write(f[0], r0)"),
    ),
    Verb(
        "emulate",
        (CELL,),
        "value",
        "KVM reads a cell to emulate an instruction of this process' guest",
        "an exit of the guest that needs its instruction",
        ("r0 = emulate(A[1])",),
    ),
    Verb(
        "offline",
        (PAGE,),
        "status",
        "takes the frame of a page out of use, which must move; EINTR where it stays",
        "write(2) to /sys/devices/system/memory/memoryN/state",
        ("offline(A)", "r0 = offline(A)"),
    ),
    Verb(
        "poison",
        (PAGE,),
        "status",
        "the frame of an exclusive page goes bad: who touches it gets SIGBUS; EBUSY if it stays",
        "a machine check, memory_failure()",
        ("poison(A)", "r0 = poison(A)"),
    ),
    Verb(
        "look",
        (
            Slot("process", "P"),
            CELL,
            Slot("words", group="way", one_of=tuple(WORDS["way"])),
        ),
        "value",
        "reads a cell of another process's memory without asking that process",
        "a bug, a privilege or a service of the kernel, by the way that is named",
        ("r0 = look(P, A[1], direct_map)", "r0 = look(P, A[0], core_dump)"),
    ),
    Verb(
        "dump",
        (CELL,),
        "value",
        "reads a cell of what a core dump of this process has; 0 where that has nothing",
        "a signal that ends a child with the same memory, and its core file",
        ("r0 = dump(A[1])",),
    ),
    Verb(
        "ptrace_peek",
        (Slot("process", "P"), CELL),
        "value",
        "stops another process and reads a cell of its memory; EPERM for its own and for dead ones",
        "ptrace(2), PTRACE_SEIZE, PTRACE_INTERRUPT and PTRACE_PEEKDATA",
        ("r0 = ptrace_peek(P, A[1])",),
    ),
    Verb(
        "proc_mem_read",
        (Slot("process", "P"), CELL),
        "value",
        "reads a cell of another process's memory, whatever its protection (FOLL_FORCE)",
        "read(2) of /proc/PID/mem",
        ("r0 = proc_mem_read(P, A[1])",),
    ),
    Verb(
        "proc_mem_write",
        (Slot("process", "P"), CELL, VALUE),
        "status",
        "writes a cell of another process's memory, whatever its protection (FOLL_FORCE)",
        "write(2) of /proc/PID/mem",
        ("proc_mem_write(P, A[1], 5)", "r1 = proc_mem_write(P, A[1], r0)"),
    ),
    Verb(
        "kpagecount",
        (PAGE,),
        "value",
        "how many page table entries map the frame of a page; EFAULT where it has none",
        "read(2) of /proc/kpagecount",
        ("r0 = kpagecount(A)",),
    ),
    Verb(
        "kpageflags",
        (
            PAGE,
            Slot(
                "words",
                group="kpageflags",
                one_of=("anonymous", "swapbacked", "swapcache", "zero", "ksm", "thp"),
            ),
        ),
        "value",
        "looks what the kernel says of the frame of a page: 1, 0, or EFAULT where it has none",
        "read(2) of /proc/kpageflags",
        ("r0 = kpageflags(A, anonymous)", "r0 = kpageflags(A, zero)"),
    ),
)
"""In the order of the documentation."""
