"""Constants of the model: the kernel's spellings with model-sized values.

Plain `NAME = integer` lines only: the linker reads this file and copies what a path uses into the
emitted function. Anchors: include/linux/mm.h, mm_types.h, gfp_types.h, arch/x86/include/asm, v6.12.
"""

# How one step of a task ends: what an emitted path returns to the engine.
YIELDED = 0  # at a switch point
BLOCKED = 1  # waits for a lock or for a CPU with interrupts off
WAITING = 2  # waits for the program: wait(), an empty pipe, a pin that is not there yet
CALLED = 3  # pushed a frame
RETURNED = 4  # popped its frame, the value is in task.retval
MOVED = 5  # the engine's summary: the task reached its next switch point
SPINNING = 6  # another: at grain op, it tries again and again until somebody else moves

# The machine. A page table of PTRS_PER_PTE entries hangs below each PMD.
CELLS = 4
NR_MM = 4
NR_VPN = 8
PTRS_PER_PTE = 4
NR_PMD = 2
HPAGE_PMD_ORDER = 2  # a PMD maps a folio of PTRS_PER_PTE pages
NR_SPARE_PTPAGE = 4  # page-table pages beyond one for each PMD
NR_PTPAGE = 12
NR_PFN = 16
NR_CPUS = 4
NR_TASKS = 6
NR_FRAMES = 18
NR_REGS = 12
NR_LITMUS_REGS = 8
NR_PINS = 4
NR_PIPES = 2
NR_PIPE_BUFS = 2
NR_FILES = 4
NR_FILE_PAGES = 4
NR_SWAP = 4
NR_VMALLOC = 2
NR_VMALLOC_PAGES = 4
NR_SECONDARY = 2
NR_GATHER = 8
NR_RECLAIM = 4  # folios that reclaim isolates at a time
NR_CHOICES = 16
# In the private fields of the machine.
ANON_VMA_LOCK = 1  # of all anon_vmas: ANON_VMA_WRITER, or n readers
DUP_MMAP_SEM = 2  # 1 while nobody may fork
MEMORY_MAX = 3  # the limit of its memory, plus 1
# In the private fields of a task; 0 is for designs.
VMSTAT = 1  # counters of /proc/vmstat that it has looked at; shifted: have grown since
NR_RECLAIMED = 2  # what its memory.reclaim has counted, plus 1; 0 if it is not in one
NR_PRIVATE = 4
ZERO_PFN = 0  # the zero page: never counted, never freed
NO_MM = -1

# PTEs. A present or PROT_NONE entry holds a pfn at PFN_SHIFT; a PMD that points to a table holds
# the index of a page-table page there instead.
PAGE_PRESENT = 1 << 0
PAGE_RW = 1 << 1
PAGE_ACCESSED = 1 << 2
PAGE_DIRTY = 1 << 3
PAGE_SOFT_DIRTY = 1 << 4
PAGE_UFFD_WP = 1 << 5
PAGE_SPECIAL = 1 << 6
PAGE_PROTNONE = 1 << 7
PAGE_SWP_EXCLUSIVE = 1 << 8
PAGE_PSE = 1 << 9  # a PMD that maps a folio itself
PAGE_MIGRATION = 1 << 10
PAGE_SWAP = 1 << 11
PAGE_TABLE = 1 << 12  # a PMD that points to a page-table page
PAGE_MARKER = 1 << 13
PAGE_DANGLING = 1 << 14  # ghost: the folio was freed while this entry still pointed at it
SPTE_REFERENCED = 1 << 15  # of a secondary MMU's entry: it holds a reference to the folio
PFN_SHIFT = 16
PTE_HAS_PFN = PAGE_PRESENT | PAGE_PROTNONE | PAGE_MIGRATION

# VMAs.
VM_READ = 1 << 0
VM_WRITE = 1 << 1
VM_MERGEABLE = 1 << 2  # KSM may merge its pages; nothing here is executed
VM_SHARED = 1 << 3
VM_MAYREAD = 1 << 4
VM_MAYWRITE = 1 << 5
VM_DONTCOPY = 1 << 6
VM_WIPEONFORK = 1 << 7
VM_MAPPED = 1 << 8  # the model's: a VMA is here
VM_SOFTDIRTY = 1 << 9
VM_UFFD_WP = 1 << 10
VM_UFFD_MISSING = 1 << 11
VM_LOCKED = 1 << 12
VM_DROPPABLE = 1 << 13
VM_PFNMAP = 1 << 14
VM_UFFD_MINOR = 1 << 15
VM_HUGEPAGE = 1 << 16
VM_EXCLUSIVE = 1 << 17  # its owner was promised that nobody else reaches its pages
VM_DONTDUMP = 1 << 18
VM_MIXEDMAP = 1 << 20
VM_IO = 1 << 21
VM_DONTEXPAND = 1 << 22
VM_SEALED = 1 << 24  # mseal()
VM_LOCKONFAULT = 1 << 23  # beside VM_LOCKED: what is not there need not come

# change_protection(): what for.
MM_CP_TRY_CHANGE_WRITABLE = 1 << 0
MM_CP_PROT_NUMA = 1 << 1
MM_CP_UFFD_WP = 1 << 2
MM_CP_UFFD_WP_RESOLVE = 1 << 3

PROT_NONE = 0
PROT_READ = 1
PROT_WRITE = 2
MAP_SHARED = 1
MAP_PRIVATE = 2
MAP_ANONYMOUS = 4
MAP_FIXED = 8
MAP_DROPPABLE = 16  # a type of mapping, as MAP_SHARED and MAP_PRIVATE are
MAP_LOCKED = 32
MAP_POPULATE = 64
MAP_VGETRANDOM = 128  # the model's: by vgetrandom_alloc(), which no release has
MCL_CURRENT = 1
MCL_FUTURE = 2
MCL_ONFAULT = 4
MADV_DONTNEED = 4
MADV_FREE = 8
MADV_DONTFORK = 10
MADV_DOFORK = 11
MADV_MERGEABLE = 12
MADV_UNMERGEABLE = 13
MADV_HUGEPAGE = 14
MADV_WIPEONFORK = 18
MADV_KEEPONFORK = 19
MADV_DONTDUMP = 16
MADV_DODUMP = 17
MADV_COLD = 20
MADV_PAGEOUT = 21
MADV_POPULATE_READ = 22
MADV_POPULATE_WRITE = 23
MADV_EXCLUSIVE = 63  # in no kernel
MADV_COLLAPSE = 25

# GUP.
FOLL_WRITE = 1 << 0
FOLL_GET = 1 << 1
FOLL_PIN = 1 << 2
FOLL_LONGTERM = 1 << 3
FOLL_FORCE = 1 << 4
FOLL_REMOTE = 1 << 5
FOLL_COW = 1 << 6  # a forced write fault has broken COW; gone in 6.0
FOLL_SLOW = 1 << 7  # the model's: the caller goes to the slow path at once
FOLL_UNLOCKABLE = 1 << 8
FOLL_HONOR_NUMA_FAULT = 1 << 9
GUP_PIN_COUNTING_BIAS = 1024

# /proc/PID/pagemap.
PM_SOFT_DIRTY = 1 << 0
PM_PRESENT = 1 << 1
PM_SWAP = 1 << 2
PM_MMAP_EXCLUSIVE = 1 << 3

FAULT_FLAG_WRITE = 1 << 0
FAULT_FLAG_UNSHARE = 1 << 1
FAULT_FLAG_REMOTE = 1 << 2
FAULT_FLAG_ALLOW_RETRY = 1 << 3
VM_FAULT_OOM = 1 << 0
VM_FAULT_SIGSEGV = 1 << 1
VM_FAULT_SIGBUS = 1 << 2
VM_FAULT_RETRY = 1 << 3
VM_FAULT_FALLBACK = 1 << 4  # no huge page: go on with the PTE

MMF_HAS_PINNED = 1 << 0
MMF_UNSTABLE = 1 << 1  # the OOM reaper takes pages away
MMF_OOM_SKIP = 1 << 2  # and is done
MMF_LOCK_FUTURE = 1 << 3  # the model's: mm->def_flags has VM_LOCKED
MMF_LOCK_FUTURE_ONFAULT = 1 << 4  # the model's: and VM_LOCKONFAULT
MMF_HAS_UPROBES = 1 << 5  # a breakpoint was set, and may have been removed since

UPROBE_SWBP_INSN = -52  # int3, 0xcc, as a signed byte: the breakpoint

# Folio flags.
PG_ANON = 1 << 0
PG_DIRTY = 1 << 1
PG_WRITEBACK = 1 << 3
PG_KSM = 1 << 5
PG_SWAPBACKED = 1 << 6
PG_SECRETMEM = 1 << 7
PG_ACTIVE = 1 << 10  # used lately, so that reclaim may spare it
PG_HWPOISON = 1 << 12  # the frame has gone bad
PG_KMEM = 1 << 11  # the model's: a page of vmalloc, which a driver may map to user space
PG_PARTIALLY_MAPPED = 1 << 13  # a large folio that waits to be split
PG_ISOLATED = 1 << 9  # the model's: off the LRU list, in the hands of reclaim

# mm->tlb_flush_batched: generations of put-off flushes, pending ones below and flushed ones above.
TLB_FLUSH_BATCH_FLUSHED_SHIFT = 4
TLB_FLUSH_BATCH_PENDING_MASK = 7
TLB_FLUSH_BATCH_PENDING_LARGE = 3

# /proc/kpageflags.
KPF_ANON = 1 << 0
KPF_SWAPCACHE = 1 << 1
KPF_SWAPBACKED = 1 << 2
KPF_ZERO_PAGE = 1 << 3
KPF_KSM = 1 << 4
KPF_THP = 1 << 5

# Tasks.
TASK_NEW = 0
TASK_RUNNING = 1
TASK_DEAD = 2
MMAP_LOCK_WRITER = -1
ANON_VMA_WRITER = -1

# Files: what their file system wants to be told.
FILE_REGULAR = 1  # of the first write to a page that is clean
FILE_SHMEM = 2  # nothing: there is no disk
FILE_SECRET = 3  # memfd_secret(2): its pages are out of the direct map
FILE_IO_URING = 4  # from here on drivers: a ring of io_uring that the kernel has allocated
FILE_PACKET = 5  # a ring of a packet socket
FILE_BPF = 6  # a bpf array with BPF_F_MMAPABLE
FILE_PERF = 7  # the buffer of a perf event
FILE_FB = 8  # a frame buffer in system memory (udlfb)
FILE_PCM = 9  # an ALSA buffer
FILE_RINGBUF = 10  # a bpf ring buffer
FILE_ARENA = 11  # a bpf arena
FILE_OPEN = 0
FILE_CLOSED = 1  # mapped at most
FILE_EVICTED = 2
I_MMAP_WRITER = -1

# A driver's object: file.private.
DRV_AREA = 0  # its vmalloc area + 1, 0 for none
DRV_MAPPED = 1  # VMAs that ->open and ->close have counted
DRV_IN_FLIGHT = 2  # skbs that have a page of the area
DRV_PLACE = 3  # where an arena may be mapped: its first vpn + 1, and how many pages
PLACE_LENGTH_SHIFT = 4
# What a VMA of a driver has in `private`: a number of its own, its file, its vmalloc area + 1.
VMA_FILE_SHIFT = 4
VMA_AREA_SHIFT = 6
VMA_NUMBER_MASK = 15
VMA_FILE_MASK = 3
# A vmalloc area's `private`.
AREA_DANGLING = 0  # ghost: mask of pages that were freed while a kernel TLB may have them
AREA_DEFERRED = 1  # file + 1 that will free it when no skb is in flight any more

# vmstat(): counters, as they stand in a task's private[VMSTAT].
VMSTAT_SPLITS = 1 << 0
VMSTAT_COLLAPSES = 1 << 2
VMSTAT_GROWN_SHIFT = 1

# ioctl(2) of a driver.
IOCTL_FREE = 1
IOCTL_REALLOC = 2
IOCTL_SEND = 3
INVALIDATE_LOCK_WRITER = -1

# Pins: what became of a reference that GUP handed out.
PIN_FREE = 0
PIN_HELD = 1
PIN_DROPPED = 2
PIN_FAILED = 3
PIN_TAKING = 4  # GUP is under way
PIN_DROPPING = 5  # its driver has stopped the device and is about to drop it

# Secondary MMUs: what a device does to follow an address space, and how far it is.
MIRROR_KVM = 1
MIRROR_ODP = 2
MIRROR_SVA = 3
MIRROR_USER_MAP = 4
MIRROR_GPC = 5
MIRROR_FREE = 0
MIRROR_LIVE = 1
MIRROR_GONE = 2

# look(): by which way.
LOOK_DIRECT_MAP = 1
LOOK_CORE_DUMP = 2
LOOK_HIBERNATION = 3
LOOK_KDUMP = 4
LOOK_INJECTED = 5
LOOK_BUILD_ID = 6
LOOK_UPROBE = 7

EPERM = 1
ENOENT = 2
ESRCH = 3
EINTR = 4
EIO = 5
E2BIG = 7
EBADF = 9
ECHILD = 10
EAGAIN = 11
ENOMEM = 12
EACCES = 13
EFAULT = 14
EBUSY = 16
EEXIST = 17
EINVAL = 22
ESPIPE = 29
EMLINK = 31
ENOSYS = 38
EHWPOISON = 133
# A load that a signal ended leaves -(SIG_BASE + signal) in its register.
SIG_BASE = 1000
SIGBUS = 7
SIGKILL = 9
SIGSEGV = 11

# Promises that are broken by one access: bits of st.broken.
PROP_NO_USE_AFTER_FREE = 0
PROP_PRIVATE = 1
PROP_NO_LOST_WRITE = 2
PROP_NO_STALE_TLB = 3
PROP_COUNTS = 4
PROP_RMAP_AFTER_FLUSH = 5
PROP_EXCLUSIVE_UNTIL_UNPINNED = 6
PROP_STABLE = 7
PROP_TRACKED = 8
PROP_CLEAN_IF_UNWRITTEN = 9
PROP_FILE_INTACT = 10
PROP_NEVER_WRITTEN_OUT = 11
PROP_LAST_OR_ZERO = 12
PROP_WIPED_ON_FORK = 13
PROP_KEPT_WHILE_PINNED = 14
PROP_SECRET_IS = 15
PROP_NO_OOPS = 16
PROP_KERNEL_ADDRESS = 17

# Ghost: what pagemap must say of a page since soft-dirty was cleared.
SOFT_DIRTY_UNKNOWN = 0  # nothing was cleared since the page was mapped
SOFT_DIRTY_CLEAN = 1  # nobody has written
SOFT_DIRTY_WRITTEN = 2
SOFT_DIRTY_EITHER = 3  # written while it was being cleared

# Ghost: whether a store must wait for userfaultfd.
UFFD_WP_NONE = 0
UFFD_WP_SET = 1  # the PTE says so, not all TLBs
UFFD_WP_HOLDS = 2

# Impossible situations: a finding about the model or the design, with a path.
BUG_FRAME_OVERFLOW = 1
BUG_CHOICE_OVERFLOW = 2
BUG_LIVELOCK = 3
BUG_NO_FREE_FOLIO = 4
BUG_NO_FREE_PTPAGE = 5
BUG_UNLOCK = 6
BUG_GATHER_OVERFLOW = 7
BUG_BAD_PTE = 10
BUG_MAPPED_WHEN_REMOVED = 11
BUG_LEFT_OUT = 12  # what a program asked for, the model does not do
