"""mmap_lock, the lock of an address space. Models include/linux/mmap_lock.h.

Left out: per-VMA locks, which are a part (faults-under-vma-locks); faults take mmap_lock for
reading as GUP does. Readers are not queued behind a waiting writer.
"""

from pagefault.consts import BLOCKED, BUG_UNLOCK, MMAP_LOCK_WRITER
from pagefault.hw.choice import VM_BUG_ON


def mmap_read_lock(st, t, mm):
    """include/linux/mmap_lock.h mmap_read_lock(), v6.12."""
    yield "mmap_lock for reading"
    while st.mm[mm].mmap_lock == MMAP_LOCK_WRITER:
        yield BLOCKED
    st.mm[mm].mmap_lock += 1


def mmap_read_unlock(st, mm):
    VM_BUG_ON(st, st.mm[mm].mmap_lock <= 0, BUG_UNLOCK)
    st.mm[mm].mmap_lock -= 1


def mmap_write_lock(st, t, mm):
    """include/linux/mmap_lock.h mmap_write_lock(), v6.12."""
    yield "mmap_lock for writing"
    while st.mm[mm].mmap_lock != 0:
        yield BLOCKED
    st.mm[mm].mmap_lock = MMAP_LOCK_WRITER


def mmap_write_unlock(st, mm):
    VM_BUG_ON(st, st.mm[mm].mmap_lock != MMAP_LOCK_WRITER, BUG_UNLOCK)
    st.mm[mm].mmap_lock = 0


def mmap_write_downgrade(st, mm):
    VM_BUG_ON(st, st.mm[mm].mmap_lock != MMAP_LOCK_WRITER, BUG_UNLOCK)
    st.mm[mm].mmap_lock = 1


def raw_write_seqcount_begin(st, mm):
    """fork holds write_protect_seq odd, so that GUP-fast neither pins nor keeps a pin."""
    st.mm[mm].write_protect_seq += 1


def raw_write_seqcount_end(st, mm):
    st.mm[mm].write_protect_seq += 1
