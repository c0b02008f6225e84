"""Kernel memory at addresses of its own, and what processes may map of it. Models mm/vmalloc.c.

Three things live on their own here. The pages are counted one by one (page_alloc.py). The address
range (struct vm_struct) goes when vfree() is called, and CPUs may have it in their TLBs until the
lazy purge. Whose memory it is, the driver knows (driver.py). An allocation has `nr_pages` until
its pages are given back, and `in_use` while it has an address.

Left out: huge vmalloc, guard pages, and that a driver's pages need not come from vmalloc: some have
their own, and give them an address by vmap().
"""

from pagefault.consts import (
    AREA_DANGLING,
    AREA_DEFERRED,
    BUG_NO_FREE_FOLIO,
    DRV_AREA,
    NR_VMALLOC,
    NR_VMALLOC_PAGES,
    PG_KMEM,
    PROP_COUNTS,
)
from pagefault.hw.choice import VM_BUG_ON, choose
from pagefault.hw.monitor import break_promise, observe_dangling, observe_kernel_address
from pagefault.mm.page_alloc import folio_alloc, folio_put


def page_is_kmem(st, pfn):
    """Whether a page was allocated by vmalloc_user()."""
    return st.folio[pfn].pg_flags & PG_KMEM != 0


def vmalloc_to_page(st, v, index):
    """mm/vmalloc.c vmalloc_to_page(), v6.12: the frame of a page of the area. Who asks for it must
    know that the area is still there."""
    observe_dangling(st, st.vmalloc[v].nr_pages == 0)
    return st.vmalloc[v].pfn[index]


# --- addresses ---------------------------------------------------------------------------------


def alloc_vmap_area(st):
    """mm/vmalloc.c alloc_vmap_area(), v6.12: a free range of addresses, or -1. One that was used
    before is purged first."""
    for v in range(NR_VMALLOC):
        if not st.vmalloc[v].in_use and not st.vmalloc[v].nr_pages:
            __purge_vmap_area_lazy(st, v)
            return v
    return -1


def __purge_vmap_area_lazy(st, v):
    """mm/vmalloc.c __purge_vmap_area_lazy(), v6.12: all CPUs flush, the range may be used again."""
    st.vmalloc[v].lazy = 0
    st.vmalloc[v].private[AREA_DANGLING] = 0
    for i in range(NR_VMALLOC_PAGES):
        st.vmalloc[v].stale_cpus[i] = 0
        st.vmalloc[v].pfn[i] = 0


def remove_vm_area(st, v):
    """mm/vmalloc.c remove_vm_area(), v6.12: the kernel's page table has the range no more. TLBs
    are flushed by the purge, later."""
    st.vmalloc[v].in_use = 0
    st.vmalloc[v].mapped = 0
    st.vmalloc[v].lazy = 1


def kernel_address_reach(st, t, v, index, own_pfn):
    """A CPU uses the kernel address of page `index` of an area, by which `own_pfn` is meant. The
    frame that it reaches; -1 for a fault in the kernel. A TLB may still have what was there."""
    cpu = st.task[t].cpu
    area = st.vmalloc[v]
    reached_pfn = -1
    if area.mapped & (1 << index):
        area.stale_cpus[index] |= 1 << cpu
        reached_pfn = area.pfn[index]
    elif area.stale_cpus[index] & (1 << cpu) and choose(st, 2) == 0:
        reached_pfn = area.pfn[index]
    observe_kernel_address(st, area.mapped & (1 << index) and area.pfn[index] == own_pfn)
    if reached_pfn >= 0:
        observe_dangling(st, area.private[AREA_DANGLING] & (1 << index))
    return reached_pfn


# --- allocations -------------------------------------------------------------------------------


def prep_kernel_page(st, v, pfn):
    """What a page of vmalloc_user() knows of its allocation. Nothing in v6.12 (PG_KMEM is ghost
    state there): it is a page like any other."""
    st.folio[pfn].pg_flags |= PG_KMEM


def vmalloc_user(st, nr_pages):
    """mm/vmalloc.c vmalloc_user(), v6.12: zeroed pages that may be mapped to user space
    (VM_USERMAP), at an address of the kernel's. The area, or -1."""
    v = alloc_vmap_area(st)
    if v < 0:
        return -1
    st.vmalloc[v].in_use = 1
    st.vmalloc[v].nr_pages = nr_pages
    st.vmalloc[v].refcount = first_reference()
    st.vmalloc[v].mapped = (1 << nr_pages) - 1
    for i in range(nr_pages):
        new_pfn = folio_alloc(st)
        st.vmalloc[v].pfn[i] = new_pfn
        prep_kernel_page(st, v, new_pfn)
    return v


def vmap_again(st, v, index):
    """mm/vmalloc.c vmap(), v6.12, of an area's pages and those from `index` on once more."""
    for i in range(index, st.vmalloc[v].nr_pages):
        st.vmalloc[v].pfn[st.vmalloc[v].nr_pages + i - index] = st.vmalloc[v].pfn[i]
    st.vmalloc[v].nr_pages += st.vmalloc[v].nr_pages - index
    st.vmalloc[v].mapped = (1 << st.vmalloc[v].nr_pages) - 1


def is_mapped_again(st, v, index):
    """Whether a page of the area stands there for a second time."""
    for i in range(index):
        if st.vmalloc[v].pfn[i] == st.vmalloc[v].pfn[index]:
            return 1
    return 0


def first_reference():
    """What a new allocation counts for whom it is made. v6.12 counts nothing but pages."""
    return 0


def free_kernel_page(st, pfn):
    """mm/vmalloc.c vfree(), v6.12, of one page: a reference is dropped. Another one keeps it."""
    folio_put(st, pfn)


def free_area_pages(st, v):
    """mm/vmalloc.c vfree(), v6.12, of the pages. What TLBs may still have is remembered."""
    nr_pages = st.vmalloc[v].nr_pages
    if nr_pages == 0:
        break_promise(st, PROP_COUNTS)  # freed twice
    st.vmalloc[v].nr_pages = 0
    st.vmalloc[v].refcount = 0
    for i in range(nr_pages):
        if not is_mapped_again(st, v, i):
            free_kernel_page(st, st.vmalloc[v].pfn[i])
    for i in range(nr_pages):
        if not st.vmalloc[v].in_use and not st.vmalloc[v].stale_cpus[i]:
            st.vmalloc[v].pfn[i] = 0


def vfree(st, t, v):
    """mm/vmalloc.c vfree(), v6.12: the addresses go, then the pages, each on its own. Whoever has
    a reference to a page keeps that page, and nobody keeps the address."""
    vfree_unmaps(st, v)
    yield "addresses gone, pages not freed"
    drop_area(st, v)


def vfree_unmaps(st, v):
    """What vfree() does to the addresses: they go at once."""
    remove_vm_area(st, v)


def drop_area(st, v):
    """What vfree() does to the pages: each loses the allocation's reference."""
    free_area_pages(st, v)


# --- who maps it -------------------------------------------------------------------------------


def area_open(st, v):
    """A VMA that maps the area has come to be. v6.12 counts PTEs instead, on the pages."""
    return


def area_close(st, v):
    """A VMA that maps the area is gone, with its pages unmapped and the TLBs flushed."""
    return


def area_owners(st, v):
    """Who is to free the area: the driver that has it, or an skb in flight."""
    owners = st.vmalloc[v].private[AREA_DEFERRED] != 0
    for file in range(st.nr_files):
        if st.file[file].private[DRV_AREA] == v + 1:
            owners += 1
    return owners


def area_counts_its_users(st, v):
    """Whether the area's own count covers who uses it. v6.12 has none."""
    return 1


def area_is_leaked(st, v):
    """Nothing runs any more, and nobody is left who would free the area."""
    return area_owners(st, v) == 0


def boot_area(st, nr_pages):
    """An area that is there from the start."""
    v = vmalloc_user(st, nr_pages)
    VM_BUG_ON(st, v < 0, BUG_NO_FREE_FOLIO)
    return v
