"""Which pages are one VMA, and how VMAs merge and come by an anon_vma. Models mm/vma.c.

Each page has a VMA record of its own; pages side by side are one VMA if their records agree,
soft-dirty apart. What merges two VMAs on a kernel makes the records agree here. An anon_vma is a
number; one that came by fork is marked, for such a VMA does not merge with one that has none. Left
out: an anon_vma that fork takes over from a process that is gone.
"""

from pagefault.consts import VM_MAPPED, VM_READ, VM_SOFTDIRTY, VM_WRITE

ANON_VMA_OF_PARENT = 16


def flags_differ(st, mm, vpn, other):
    """The vm_flags that keep two VMAs apart; VM_SOFTDIRTY does not."""
    return (st.mm[mm].vma[vpn].vm_flags ^ st.mm[mm].vma[other].vm_flags) & ~VM_SOFTDIRTY


def backing_differs(st, mm, vpn, other):
    """Whether two pages are not of one file, or do not follow each other there. VMAs of drivers
    never merge: each has a number (VM_SPECIAL)."""
    if st.mm[mm].vma[vpn].private != st.mm[mm].vma[other].private:
        return 1
    if st.mm[mm].vma[vpn].vm_pgoff != st.mm[mm].vma[other].vm_pgoff:
        return 1
    return st.mm[mm].vma[vpn].vm_file != st.mm[mm].vma[other].vm_file


def same_vma(st, mm, vpn, other):
    """Whether two pages with nothing else between them are one VMA. `vpn` where nothing is mapped
    is none."""
    if not st.mm[mm].vma[vpn].vm_flags & VM_MAPPED:
        return 0
    if flags_differ(st, mm, vpn, other):
        return 0
    if backing_differs(st, mm, vpn, other):
        return 0
    return st.mm[mm].vma[vpn].anon_vma == st.mm[mm].vma[other].anon_vma


def vma_end(st, mm, vpn, end):
    """Where the VMA of `vpn` ends, at most `end`; `vpn` where nothing is mapped."""
    after = vpn
    while after < end and same_vma(st, mm, vpn, after):
        after += 1
    return after


def vma_start(st, mm, vpn):
    """Where the VMA of `vpn` begins."""
    start = vpn
    while start > 0 and same_vma(st, mm, vpn, start - 1):
        start -= 1
    return start


def set_vma(st, mm, vpn, vm_flags, anon_vma):
    st.mm[mm].vma[vpn].vm_flags = vm_flags
    st.mm[mm].vma[vpn].anon_vma = anon_vma
    st.mm[mm].vma[vpn].vm_pgoff = 0
    st.mm[mm].vma[vpn].vm_file = 0
    st.mm[mm].vma[vpn].private = 0


def is_mergeable_anon_vma(anon_vma, other):
    """mm/vma.c is_mergeable_anon_vma(), v6.12: whether a VMA with `anon_vma` may become part of a
    neighbour with `other`. A neighbour without any takes none over."""
    if anon_vma == 0 and other != 0:
        return not other & ANON_VMA_OF_PARENT
    return anon_vma == other


def can_vma_merge(st, mm, vpn, other):
    """mm/vma.c can_vma_merge_before() and can_vma_merge_after(), v6.12: whether the VMA of `vpn`
    may become part of its neighbour, the VMA of `other`."""
    if flags_differ(st, mm, vpn, other):
        return 0
    if backing_differs(st, mm, vpn, other):
        return 0
    return is_mergeable_anon_vma(st.mm[mm].vma[vpn].anon_vma, st.mm[mm].vma[other].anon_vma)


def anon_vmas_compatible(st, mm, vpn, other):
    """mm/vma.c are_anon_vmas_compatible(), v6.12: before a VMA joins neighbours on both sides."""
    anon_vma = st.mm[mm].vma[vpn].anon_vma
    return (
        anon_vma == 0
        or st.mm[mm].vma[other].anon_vma == 0
        or anon_vma == st.mm[mm].vma[other].anon_vma
    )


def vma_merge(st, mm, start, end):
    """mm/vma.c vma_merge_new_range() and vma_merge_existing_range(), v6.12: the VMA of vpns
    [start, end) is new, or has new vm_flags. Where it merges, all get the anon_vma of one."""
    first = start
    last = end
    anon_vma = st.mm[mm].vma[start].anon_vma
    if start > 0 and can_vma_merge(st, mm, start, start - 1):
        first = vma_start(st, mm, start - 1)
        anon_vma = max(anon_vma, st.mm[mm].vma[first].anon_vma)
    if end < st.nr_vpns and can_vma_merge(st, mm, start, end):
        if first == start or anon_vmas_compatible(st, mm, first, end):
            last = vma_end(st, mm, end, st.nr_vpns)
            anon_vma = max(anon_vma, st.mm[mm].vma[end].anon_vma)
    for vpn in range(first, last):
        st.mm[mm].vma[vpn].anon_vma = anon_vma


def reusable_anon_vma(st, mm, vpn, other):
    """mm/vma.c reusable_anon_vma(), v6.12: the anon_vma of a neighbour that differs in access
    rights at most; 0 if there is none to share."""
    if flags_differ(st, mm, vpn, other) & ~(VM_READ | VM_WRITE):
        return 0
    if st.mm[mm].vma[other].anon_vma & ANON_VMA_OF_PARENT:
        return 0
    if backing_differs(st, mm, vpn, other):
        return 0
    return st.mm[mm].vma[other].anon_vma


def find_mergeable_anon_vma(st, mm, start, end):
    """mm/vma.c find_mergeable_anon_vma(), v6.12, for the VMA of vpns [start, end): the next VMA's,
    or that of the one before; 0 for none."""
    anon_vma = 0
    if end < st.nr_vpns:
        anon_vma = reusable_anon_vma(st, mm, start, end)
    if anon_vma == 0 and start > 0:
        anon_vma = reusable_anon_vma(st, mm, start, start - 1)
    return anon_vma


def anon_vma_in_use(st, mm, number):
    """Whether a VMA has the anon_vma of this number, its own or by fork."""
    for vpn in range(st.nr_vpns):
        if st.mm[mm].vma[vpn].anon_vma & ~ANON_VMA_OF_PARENT == number:
            return 1
    return 0


def anon_vma_alloc(st, mm, start):
    """mm/rmap.c anon_vma_alloc(), v6.12: a number that no VMA has; that of the VMA's first page, if
    it can be."""
    number = start
    while anon_vma_in_use(st, mm, number + 1):
        number = (number + 1) % st.nr_vpns
    return number + 1


def anon_vma_fork(st, mm, vpn):
    """mm/rmap.c anon_vma_fork(), v6.12: the anon_vma of a child's VMA, one for each."""
    if st.mm[mm].vma[vpn].anon_vma == 0:
        return 0
    return vma_start(st, mm, vpn) + 1 | ANON_VMA_OF_PARENT
