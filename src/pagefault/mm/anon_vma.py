"""The lock of an anon_vma, by which who looks for all that map an anonymous folio keeps those out
who take page tables or folios apart. Models anon_vma->root->rwsem of include/linux/rmap.h.

One lock stands for those of all anon_vmas. Left out: that who makes, forks, merges or moves VMAs
takes it as well. Where nobody has it for writing it costs no switch: what is done before and after
is kept apart by other locks.
"""

from pagefault.consts import ANON_VMA_LOCK, ANON_VMA_WRITER, BLOCKED, BUG_UNLOCK
from pagefault.hw.choice import VM_BUG_ON


def anon_vma_lock_read(st, t):
    """include/linux/rmap.h anon_vma_lock_read(), v6.12, by folio_lock_anon_vma_read()."""
    if st.private[ANON_VMA_LOCK] == ANON_VMA_WRITER:
        yield "anon_vma's lock for reading"
        while st.private[ANON_VMA_LOCK] == ANON_VMA_WRITER:
            yield BLOCKED
    st.private[ANON_VMA_LOCK] += 1


def anon_vma_unlock_read(st):
    VM_BUG_ON(st, st.private[ANON_VMA_LOCK] <= 0, BUG_UNLOCK)
    st.private[ANON_VMA_LOCK] -= 1


def anon_vma_lock_write(st, t):
    """include/linux/rmap.h anon_vma_lock_write(), v6.12."""
    if st.private[ANON_VMA_LOCK] != 0:
        yield "anon_vma's lock for writing"
        while st.private[ANON_VMA_LOCK] != 0:
            yield BLOCKED
    st.private[ANON_VMA_LOCK] = ANON_VMA_WRITER


def anon_vma_unlock_write(st):
    VM_BUG_ON(st, st.private[ANON_VMA_LOCK] != ANON_VMA_WRITER, BUG_UNLOCK)
    st.private[ANON_VMA_LOCK] = 0
