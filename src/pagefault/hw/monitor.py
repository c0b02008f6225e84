"""Ghost state: what the promises need to remember, and nothing that a kernel could see.

The hardware and the copying paths call these where they touch a page. A promise that an access
breaks becomes a bit of `st.broken`, which the explorer takes and clears after each step.
"""

from pagefault.consts import (
    AREA_DANGLING,
    CELLS,
    FOLL_PIN,
    NR_MM,
    NR_PIPE_BUFS,
    NR_PMD,
    NR_SECONDARY,
    NR_SWAP,
    NR_VMALLOC,
    NR_VMALLOC_PAGES,
    PAGE_DANGLING,
    PAGE_PRESENT,
    PAGE_PSE,
    PAGE_RW,
    PAGE_SWAP,
    PFN_SHIFT,
    PG_KMEM,
    PIN_FREE,
    PIN_HELD,
    PIN_TAKING,
    PROP_CLEAN_IF_UNWRITTEN,
    PROP_EXCLUSIVE_UNTIL_UNPINNED,
    PROP_FILE_INTACT,
    PROP_KEPT_WHILE_PINNED,
    PROP_KERNEL_ADDRESS,
    PROP_LAST_OR_ZERO,
    PROP_NEVER_WRITTEN_OUT,
    PROP_NO_LOST_WRITE,
    PROP_NO_STALE_TLB,
    PROP_NO_USE_AFTER_FREE,
    PROP_PRIVATE,
    PROP_RMAP_AFTER_FLUSH,
    PROP_SECRET_IS,
    PROP_TRACKED,
    PROP_WIPED_ON_FORK,
    PTE_HAS_PFN,
    PTRS_PER_PTE,
    SOFT_DIRTY_CLEAN,
    SOFT_DIRTY_EITHER,
    SOFT_DIRTY_UNKNOWN,
    SOFT_DIRTY_WRITTEN,
    UFFD_WP_HOLDS,
    UFFD_WP_NONE,
    UFFD_WP_SET,
    VM_DROPPABLE,
    VM_EXCLUSIVE,
    VM_MAPPED,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
    ZERO_PFN,
)
from pagefault.hw.pgtable import ptep_get

EVERYBODY = (1 << NR_MM) - 1
SECRET = 1 << NR_MM  # of an audience: nobody but who was given the memory


def break_promise(st, prop):
    st.broken |= 1 << prop


def observe_read(st, mm, pfn, cell):
    """Somebody reads on behalf of `mm`: it must be data that this mm may see."""
    if not st.page[pfn].audience[cell] & (1 << mm):
        break_promise(st, PROP_PRIVATE)


def observe_load(st, mm, vpn, pfn, cell):
    """A CPU loads through the address space: allowed to see it, and it is the last thing stored."""
    observe_read(st, mm, pfn, cell)
    if is_droppable(st, mm, vpn):
        observe_droppable_load(st, mm, vpn, pfn, cell)
        return
    owed = st.mm[mm].shadow[vpn].cell[cell]
    if owed != 0 and owed - 1 != st.page[pfn].cell[cell] & 255:
        break_promise(st, PROP_NO_LOST_WRITE)


def observe_kernel_address(st, mapped):
    """The kernel uses one of its addresses: it is mapped, to the frame that is meant."""
    if not mapped:
        break_promise(st, PROP_KERNEL_ADDRESS)


def is_droppable(st, mm, vpn):
    return st.mm[mm].vma[vpn].vm_flags & VM_DROPPABLE


def observe_droppable_load(st, mm, vpn, pfn, cell):
    """Droppable memory may lose a store, never bring one back: the last one, or zero, and after a
    zero no other value until somebody stores. What is seen was stored in this address space."""
    page = st.page[pfn]
    owed = st.mm[mm].shadow[vpn].cell[cell]
    if page.writer[cell] != 0 and page.writer[cell] != mm + 1:
        break_promise(st, PROP_WIPED_ON_FORK)
    elif owed != 0 and owed - 1 != page.cell[cell] & 255:
        if page.cell[cell] == 0:
            st.mm[mm].shadow[vpn].cell[cell] = 1
        else:
            break_promise(st, PROP_LAST_OR_ZERO)


def observe_dropped(st, mm, vpn, pfn):
    """Reclaim discards a page: nobody has droppable memory pinned."""
    if not is_droppable(st, mm, vpn):
        return
    for pin in range(st.nr_pins):
        if st.pin[pin].state == PIN_HELD and st.pin[pin].pfn == pfn:
            if st.pin[pin].gup_flags & FOLL_PIN:
                break_promise(st, PROP_KEPT_WHILE_PINNED)
    for task in range(st.nr_tasks):
        if st.task[task].pin.state == PIN_HELD and st.task[task].pin.pfn == pfn:
            break_promise(st, PROP_KEPT_WHILE_PINNED)


def observe_written_out(st, pfn, slot):
    """A folio goes to the swap device: it holds data of no droppable memory."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            pte = ptep_get(st, mm, vpn)
            swapped = pte & PAGE_SWAP and pte >> PFN_SHIFT == slot
            mapped = pte & PTE_HAS_PFN and pte >> PFN_SHIFT == pfn
            if is_droppable(st, mm, vpn) and (swapped or mapped):
                break_promise(st, PROP_NEVER_WRITTEN_OUT)


def note_secret(st, mm, vpn, pfn, cell):
    """What is stored at an address that was promised exclusive memory is secret from then on, and
    so are its copies."""
    if st.mm[mm].vma[vpn].vm_flags & VM_EXCLUSIVE:
        st.page[pfn].audience[cell] |= SECRET


def holds_secret(st, pfn):
    """Whether the page holds something that was stored into exclusive memory."""
    for cell in range(CELLS):
        if st.page[pfn].audience[cell] & SECRET:
            return 1
    return 0


def observe_secret(st, pfn, cell):
    """Somebody reads by another way than a mapping: that is not for him if it is secret."""
    if st.page[pfn].audience[cell] & SECRET:
        break_promise(st, PROP_SECRET_IS)


def observe_secret_leaves(st, pfn):
    """The page goes to swap, or to its next owner, as it is: nothing secret may be left in it."""
    if holds_secret(st, pfn):
        break_promise(st, PROP_SECRET_IS)


def signed_byte(value):
    """What a cell keeps of a register: its low byte, signed."""
    return ((value + 128) & 255) - 128


def write_cell(st, mm, pfn, cell, value):
    """Data of `mm` lands in a page. From here on nobody else may see it, unless it is of a
    file or of a driver."""
    page = st.page[pfn]
    page.cell[cell] = signed_byte(value)
    page.writer[cell] = mm + 1
    page.audience[cell] = 1 << mm
    if st.folio[pfn].mapping or st.folio[pfn].pg_flags & PG_KMEM:
        page.audience[cell] = EVERYBODY


def is_shared_mapping_of(st, mm, vpn, pfn):
    """Whether this address shows a page of a file, to all who map it so."""
    vma = st.mm[mm].vma[vpn]
    if not vma.vm_flags & VM_SHARED or vma.vm_file != st.folio[pfn].mapping:
        return 0
    return vpn + vma.vm_pgoff == st.folio[pfn].index


def write_seen_by_mappings(st, pfn, cell, value):
    """A page of a file was written: all who share it must see that."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            if is_shared_mapping_of(st, mm, vpn, pfn):
                owe(st, mm, vpn, cell, value)


def observe_file_read(st, pfn, cell):
    """read(2) copies from a page of a file: what was stored through a mapping is there."""
    if not st.folio[pfn].mapping:
        return  # truncated since it was found
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            owed = st.mm[mm].shadow[vpn].cell[cell]
            if owed != 0 and is_shared_mapping_of(st, mm, vpn, pfn):
                if owed - 1 != st.page[pfn].cell[cell] & 255:
                    break_promise(st, PROP_NO_LOST_WRITE)


def observe_file_written(st, mm, vpn, pfn):
    """Something was written on behalf of an address: if that is private memory, the page is none of
    a file."""
    vm_flags = st.mm[mm].vma[vpn].vm_flags
    if st.folio[pfn].mapping and vm_flags & VM_MAPPED and not vm_flags & VM_SHARED:
        break_promise(st, PROP_FILE_INTACT)


def owe(st, mm, vpn, cell, value):
    """The next load of this address must see `value`, unless a call is giving the page up."""
    if not st.mm[mm].shadow[vpn].letting_go:
        st.mm[mm].shadow[vpn].cell[cell] = (value & 255) + 1


def owe_where_mapped(st, mm, pfn, cell, value):
    """The page was written by another way than its PTE: a stale translation while mremap() moves
    the PTE, or a reference. Wherever it is mapped now, the next load must see `value`."""
    if st.folio[pfn].mapping:
        write_seen_by_mappings(st, pfn, cell, value)
        return
    if st.folio[pfn].pg_flags & PG_KMEM:
        kernel_page_written(st, pfn, cell, value)
        return
    for vpn in range(st.nr_vpns):
        pte = ptep_get(st, mm, vpn)
        if pte & PTE_HAS_PFN and pte >> PFN_SHIFT == pfn:
            owe(st, mm, vpn, cell, value)
            note_written(st, mm, vpn)


def kernel_page_written(st, pfn, cell, value):
    """A page of the kernel's that processes map was written: all who map it must see that."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            pte = ptep_get(st, mm, vpn)
            if pte & PTE_HAS_PFN and pte >> PFN_SHIFT == pfn:
                owe(st, mm, vpn, cell, value)


def owe_by_reference(st, mm, vpn, pfn, cell, value, unmapped):
    """A device or the kernel has written through a reference. Unless the owner has given the
    range up since the reference was taken, its address must show it."""
    if not unmapped:
        owe(st, mm, vpn, cell, value)
        observe_file_written(st, mm, vpn, pfn)
        note_secret(st, mm, vpn, pfn, cell)
    owe_where_mapped(st, mm, pfn, cell, value)


def note_written(st, mm, vpn):
    """What stands at this address was written: pagemap must say so once soft-dirty was cleared, and
    where userfaultfd write-protects, the write should have waited."""
    shadow = st.mm[mm].shadow[vpn]
    if shadow.uffd_wp == UFFD_WP_HOLDS:
        break_promise(st, PROP_TRACKED)
    if shadow.clearing:
        shadow.soft_dirty = SOFT_DIRTY_EITHER
    elif shadow.soft_dirty != SOFT_DIRTY_UNKNOWN:
        shadow.soft_dirty = SOFT_DIRTY_WRITTEN


def expect_write(st, mm, vpn):
    """A fault is taken for a store, or for a reference to write by. It makes the PTE dirty, so
    pagemap may say so before anything is written, and though nothing ever is."""
    shadow = st.mm[mm].shadow[vpn]
    if shadow.clearing or shadow.soft_dirty == SOFT_DIRTY_CLEAN:
        shadow.soft_dirty = SOFT_DIRTY_EITHER


def soft_dirty_begins_to_clear(st, mm):
    """clear_refs() begins. What was written until now is forgotten."""
    for vpn in range(st.nr_vpns):
        shadow = st.mm[mm].shadow[vpn]
        if not shadow.clearing:
            shadow.soft_dirty = SOFT_DIRTY_UNKNOWN
        shadow.clearing += 1


def soft_dirty_was_cleared(st, mm):
    """clear_refs() returns: what is written from now on must be reported, and nothing else."""
    for vpn in range(st.nr_vpns):
        shadow = st.mm[mm].shadow[vpn]
        shadow.clearing -= 1
        if shadow.soft_dirty != SOFT_DIRTY_EITHER and st.mm[mm].vma[vpn].vm_flags & VM_MAPPED:
            shadow.soft_dirty = SOFT_DIRTY_CLEAN


def observe_soft_dirty(st, mm, vpn, reported):
    """pagemap says whether the page is soft-dirty."""
    soft_dirty = st.mm[mm].shadow[vpn].soft_dirty
    if soft_dirty == SOFT_DIRTY_WRITTEN and not reported:
        break_promise(st, PROP_TRACKED)
    if soft_dirty == SOFT_DIRTY_CLEAN and reported:
        break_promise(st, PROP_CLEAN_IF_UNWRITTEN)


def note_uffd_wp(st, mm, vpn, protected):
    """UFFDIO_WRITEPROTECT has changed a PTE: once its flush is done, nobody may store unseen; or
    everybody may. What another call is about to zap takes the protection along."""
    if protected and not letting_go(st, mm, vpn):
        st.mm[mm].shadow[vpn].uffd_wp = UFFD_WP_SET
    else:
        st.mm[mm].shadow[vpn].uffd_wp = UFFD_WP_NONE


def uffd_wp_takes_effect(st, mm, start, end):
    """UFFDIO_WRITEPROTECT has flushed vpns [start, end)."""
    for vpn in range(start, end):
        if st.mm[mm].shadow[vpn].uffd_wp == UFFD_WP_SET:
            st.mm[mm].shadow[vpn].uffd_wp = UFFD_WP_HOLDS


def owe_nothing(st, mm, vpn):
    """The contract lets go of what was stored here: other pages than those that were tracked."""
    shadow = st.mm[mm].shadow[vpn]
    shadow.soft_dirty = SOFT_DIRTY_UNKNOWN
    shadow.uffd_wp = UFFD_WP_NONE
    for cell in range(CELLS):
        shadow.cell[cell] = 0


def observe_merged(st, k_pfn, pfn):
    """Two pages with equal contents become one: who may see either may see it."""
    for cell in range(CELLS):
        st.page[k_pfn].audience[cell] |= st.page[pfn].audience[cell]


def share_audience(st, mm, child):
    """fork(): what the parent may see until now, the child may see as well."""
    for pfn in range(st.nr_pfns):
        page = st.page[pfn]
        for cell in range(CELLS):
            if page.audience[cell] & (1 << mm):
                page.audience[cell] |= 1 << child
    for slot in range(NR_SWAP):
        for cell in range(CELLS):
            if st.swap[slot].audience[cell] & (1 << mm):
                st.swap[slot].audience[cell] |= 1 << child


def observe_dangling(st, dangling):
    """An access goes through a reference to a folio that was freed since the reference was made."""
    if dangling:
        break_promise(st, PROP_NO_USE_AFTER_FREE)


def mark_dangling(st, pfn):
    """The folio is freed: whatever still names it must not be used again."""
    found = 0
    for table in range(st.nr_ptpages):
        if st.ptpage[table].in_use:
            for i in range(PTRS_PER_PTE):
                pte = st.ptpage[table].pte[i]
                if pte & PTE_HAS_PFN and pte >> PFN_SHIFT == pfn:
                    st.ptpage[table].pte[i] = pte | PAGE_DANGLING
                    found = 1
    for cpu in range(st.nr_cpus):
        if st.cpu[cpu].irqs_off:
            found = 1  # a lockless walker may have read an entry
        for vpn in range(st.nr_vpns):
            pte = st.cpu[cpu].tlb[vpn]
            if pte != 0 and pte >> PFN_SHIFT == pfn:
                st.cpu[cpu].tlb[vpn] = pte | PAGE_DANGLING
                found = 1
    for pin in range(st.nr_pins):
        if st.pin[pin].state == PIN_HELD and st.pin[pin].pfn == pfn:
            st.pin[pin].dangling = 1
            found = 1
    for task in range(st.nr_tasks):
        if st.task[task].pin.state == PIN_HELD and st.task[task].pin.pfn == pfn:
            st.task[task].pin.dangling = 1
            found = 1
    for pipe in range(st.nr_pipes):
        for i in range(NR_PIPE_BUFS):
            buf = st.pipe[pipe].buf[i]
            if buf.in_use and buf.pfn == pfn:
                buf.dangling = 1
                found = 1
    for s in range(NR_SECONDARY):
        if st.secondary[s].in_use:
            for vpn in range(st.nr_vpns):
                spte = st.secondary[s].spte[vpn]
                if spte != 0 and spte >> PFN_SHIFT == pfn:
                    st.secondary[s].spte[vpn] = spte | PAGE_DANGLING
                    found = 1
    st.page[pfn].dangling = found | mark_kernel_address(st, pfn)


def mark_kernel_address(st, pfn):
    """The folio is freed: whether a CPU may still reach it by an address of vmalloc."""
    found = 0
    for v in range(NR_VMALLOC):
        if st.vmalloc[v].in_use or st.vmalloc[v].lazy:
            for i in range(NR_VMALLOC_PAGES):
                reached = st.vmalloc[v].mapped & (1 << i) or st.vmalloc[v].stale_cpus[i]
                if reached and st.vmalloc[v].pfn[i] == pfn:
                    st.vmalloc[v].private[AREA_DANGLING] |= 1 << i
                    found = 1
    return found


def mark_huge_dangling(st, pfn):
    """As mark_dangling(), of the PMDs that map the large folio whole."""
    for mm in range(st.nr_mms):
        for i in range(NR_PMD):
            pmd = st.mm[mm].pmd[i]
            if pmd & PAGE_PSE and pmd >> PFN_SHIFT == pfn:
                st.mm[mm].pmd[i] = pmd | PAGE_DANGLING


def letting_go(st, mm, vpn):
    return st.mm[mm].shadow[vpn].letting_go != 0


def owner_gives_up(st, mm, start, end):
    """The owner begins to unmap vpns [start, end) itself: until owner_gave_up() nothing is owed
    there, and the pins of these pages lose coherence."""
    for vpn in range(start, end):
        owe_nothing(st, mm, vpn)
        st.mm[mm].shadow[vpn].letting_go += 1
    for pin in range(st.nr_pins):
        if st.pin[pin].state in (PIN_TAKING, PIN_HELD) and st.pin[pin].mm == mm:
            if start <= st.pin[pin].vpn < end:
                st.pin[pin].unmapped = 1
    for task in range(st.nr_tasks):
        if st.task[task].pin.state != PIN_FREE and st.task[task].pin.mm == mm:
            if start <= st.task[task].pin.vpn < end:
                st.task[task].pin.unmapped = 1


def contents_may_go(st, mm, start, end):
    """MADV_FREE begins: until owner_gave_up() nothing is owed in vpns [start, end), and after
    that only what is written anew. The pages stay, and so does the coherence of pins."""
    for vpn in range(start, end):
        owe_nothing(st, mm, vpn)
        st.mm[mm].shadow[vpn].letting_go += 1


def owner_gave_up(st, mm, start, end):
    """The pages are gone and the TLBs flushed: what is stored from now on counts again."""
    for vpn in range(start, end):
        st.mm[mm].shadow[vpn].letting_go -= 1


def owner_moves(st, t, mm, old, new):
    """mremap() has moved a PTE: what was owed at `old` is owed at `new`, and pins follow. What was
    owed in droppable memory only may be there still."""
    note_revoked(st, t, mm, old)
    for cell in range(CELLS):
        st.mm[mm].shadow[new].cell[cell] = st.mm[mm].shadow[old].cell[cell]
    if is_droppable(st, mm, old) and not is_droppable(st, mm, new):
        owe_nothing(st, mm, new)
    owe_nothing(st, mm, old)
    for pin in range(st.nr_pins):
        if st.pin[pin].state == PIN_HELD and st.pin[pin].mm == mm and st.pin[pin].vpn == old:
            st.pin[pin].vpn = new


def grants_more(entry, pte):
    """A cached entry lets the CPU do what the page table no longer allows."""
    if not entry & PAGE_PRESENT:
        return 0
    if not pte & PAGE_PRESENT or entry >> PFN_SHIFT != pte >> PFN_SHIFT:
        return 1
    return entry & PAGE_RW and not pte & PAGE_RW


def note_revoked(st, t, mm, vpn):
    """A call takes rights away: remember the TLB entries that must be gone when it returns."""
    pte = ptep_get(st, mm, vpn)
    for cpu in range(st.nr_cpus):
        if st.cpu[cpu].loaded_mm == mm + 1 and grants_more(st.cpu[cpu].tlb[vpn], pte):
            st.task[t].revoked[cpu] |= 1 << vpn


def note_protected(st, t, mm, start, end):
    """mprotect() has changed vpns [start, end), also where it found no page: what a TLB allows and
    the VMA does not must be gone when the call returns."""
    for vpn in range(start, end):
        vm_flags = st.mm[mm].vma[vpn].vm_flags
        for cpu in range(st.nr_cpus):
            entry = st.cpu[cpu].tlb[vpn]
            if st.cpu[cpu].loaded_mm == mm + 1 and entry & PAGE_PRESENT:
                if not vm_flags & VM_READ or (entry & PAGE_RW and not vm_flags & VM_WRITE):
                    st.task[t].revoked[cpu] |= 1 << vpn


def note_forgotten(st, cpu, vpn):
    """A CPU has let go of a translation, or replaced it by what the page table has."""
    for task in range(st.nr_tasks):
        st.task[task].revoked[cpu] &= ~(1 << vpn)


def check_revoked(st, t):
    """The call returns: none of the noted entries may be there still."""
    for cpu in range(st.nr_cpus):
        if st.task[t].revoked[cpu]:
            break_promise(st, PROP_NO_STALE_TLB)
            st.task[t].revoked[cpu] = 0


def observe_rmap_removed(st, mm, vpn, pfn):
    """A page is replaced and leaves the rmap: no CPU may still write the old one."""
    for cpu in range(st.nr_cpus):
        entry = st.cpu[cpu].tlb[vpn]
        if pfn != ZERO_PFN and st.cpu[cpu].loaded_mm == mm + 1 and entry & PAGE_PRESENT:
            if entry >> PFN_SHIFT == pfn:
                break_promise(st, PROP_RMAP_AFTER_FLUSH)


def observe_exclusive_lost(st, pfn):
    """An exclusive page is about to be shared: nobody has pinned it, nor can GUP-fast pin it now,
    by a PTE that is there while its address space is under no write_protect_seq."""
    if not st.page[pfn].anon_exclusive:
        return
    last_pfn = pfn
    if st.folio[pfn].entire_mapcount:
        last_pfn = pfn + PTRS_PER_PTE - 1  # it says so of all pages of the folio
    for pin in range(st.nr_pins):
        if st.pin[pin].state == PIN_HELD and pfn <= st.pin[pin].pfn <= last_pfn:
            if st.pin[pin].gup_flags & FOLL_PIN:
                break_promise(st, PROP_EXCLUSIVE_UNTIL_UNPINNED)
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            pte = ptep_get(st, mm, vpn)
            if pte & PAGE_PRESENT and pte >> PFN_SHIFT == pfn:
                if not st.mm[mm].write_protect_seq & 1:
                    break_promise(st, PROP_EXCLUSIVE_UNTIL_UNPINNED)
