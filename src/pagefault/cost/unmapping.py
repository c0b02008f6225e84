"""Pages leave the direct map and come back, under any policy: splits, flushes, tables. Compiled.

arch/x86/mm/pat/set_memory.c and mm/secretmem.c, v6.12: a change of a page's attributes splits the
1G and the 2M entry that it stands in; each split allocates a page table and flushes all TLBs of all
CPUs while cpa_lock and pgd_lock are held. What returns is set present again, without a flush, and
what was split stays split. A change of a whole 2M entry splits no more than the 1G entry.

Processes open a file of secret pages, touch them, and close it; pages are freed only then, as no
call punches holes into such a file. Beside them, others allocate and free (churn).
"""

from __future__ import annotations

from pagefault.cost.buddy import (
    BLOCK_PAGES,
    MOVABLE,
    ORDERS,
    PAGEBLOCK,
    RECLAIMABLE,
    UNMAPPED,
    UNMOVABLE,
    add_to_free_list,
    alloc_block,
    alloc_page,
    expand,
    free_block,
    free_one_page,
    free_page,
    rmqueue_smallest,
)
from pagefault.jit import compiled, entry

GIB = 18  # log2 of the pages of a 1G entry
GIB_BLOCKS = 512

# A 2M entry of the direct map: one mapping, a table of 4K entries, or not present as a whole.
LARGE = 0
TABLE = 1
ABSENT = 2

# Where exclusive pages come from: the interface.
PAGE = 0
FILE_POOL = 1
GLOBAL_POOL = 2
MIGRATE_TYPE = 3
COLLAPSE = 4

CEILING = 33  # tlb_single_page_flush_ceiling

LIVE_PFN = 8  # of what churn holds: the page, its order and its type in one integer
LIVE_ORDER = 4


@compiled
def random(m, n):
    """A number below n: 48 bits, linear congruential."""
    total = m.total[0]
    total.seed = (total.seed * 25214903917 + 11) & ((1 << 48) - 1)
    return (total.seed >> 17) % n


# --- the direct map ------------------------------------------------------------------------------


@compiled
def split_1g(m, cpu, gib):
    """A table for the 2M entries of a GiB. False without memory."""
    total = m.total[0]
    if m.gib[gib].is_split:
        return True
    table = alloc_page(m, cpu, UNMOVABLE)
    if table < 0:
        return False
    m.gib[gib].is_split = 1
    m.gib[gib].table = table
    total.splits_1g += 1
    total.tables += 1
    return True


@compiled
def split_2m(m, cpu, block):
    """A table for the 4K entries of a pageblock. False without memory."""
    total = m.total[0]
    if m.block[block].entry == TABLE:
        return True
    table = alloc_page(m, cpu, UNMOVABLE)
    if table < 0:
        return False
    m.block[block].entry = TABLE
    m.block[block].table = table
    m.gib[block >> (GIB - PAGEBLOCK)].torn += 1
    total.splits_2m += 1
    total.tables += 1
    return True


@compiled
def unmap_page(m, cpu, pfn):
    """set_direct_map_invalid_noflush() of a page. False without memory for a table."""
    if not split_1g(m, cpu, pfn >> GIB) or not split_2m(m, cpu, pfn >> PAGEBLOCK):
        return False
    m.block[pfn >> PAGEBLOCK].absent += 1
    m.total[0].changes += 1
    m.total[0].absent += 1
    return True


@compiled
def map_page(m, pfn):
    """set_direct_map_default_noflush() of a page."""
    m.block[pfn >> PAGEBLOCK].absent -= 1
    m.total[0].changes += 1
    m.total[0].absent -= 1


@compiled
def unmap_block(m, cpu, pfn):
    """The same of 512 pages that stand in one entry, or already in a table. False: no memory."""
    block = pfn >> PAGEBLOCK
    if not split_1g(m, cpu, pfn >> GIB):
        return False
    if m.block[block].entry == LARGE:
        m.block[block].entry = ABSENT
        m.total[0].changes += 1
    else:
        m.total[0].changes += BLOCK_PAGES
    m.block[block].absent += BLOCK_PAGES
    m.total[0].absent += BLOCK_PAGES
    return True


@compiled
def map_block(m, pfn):
    """512 pages are present again."""
    block = pfn >> PAGEBLOCK
    if m.block[block].entry == ABSENT:
        m.block[block].entry = LARGE
        m.total[0].changes += 1
    else:
        m.total[0].changes += BLOCK_PAGES
    m.block[block].absent -= BLOCK_PAGES
    m.total[0].absent -= BLOCK_PAGES


@compiled
def collapse(m, cpu, pfn):
    """Join the entries around a page if all are present. Returns how many tables that freed."""
    block, gib = pfn >> PAGEBLOCK, pfn >> GIB
    total = m.total[0]
    freed = 0
    # What was split at the start has no table of ours, and stays.
    table = m.block[block].table
    if table >= 0 and m.block[block].absent == 0:
        m.block[block].entry = LARGE
        m.block[block].table = -1
        m.gib[gib].torn -= 1
        total.collapses_2m += 1
        free_page(m, cpu, table)
        freed += 1
    table = m.gib[gib].table
    if table >= 0 and m.gib[gib].torn == 0:
        m.gib[gib].is_split = 0
        m.gib[gib].table = -1
        total.collapses_1g += 1
        free_page(m, cpu, table)
        freed += 1
    return freed


# --- flushes -------------------------------------------------------------------------------------


@compiled
def flush(m, pages):
    """After pages left: now, later for many at once, or never."""
    total = m.total[0]
    if total.never_flush:
        total.exposed += pages
    elif total.defer:
        total.pending += pages
        total.exposed += pages
        if total.pending >= total.defer:
            total.pending = 0
            total.full_flushes += 1
    elif pages > CEILING:
        total.full_flushes += 1
    else:
        total.range_flushes += 1
        total.invlpgs += pages


# --- exclusive pages -----------------------------------------------------------------------------


@compiled
def alloc_single(m, cpu):
    """An ordinary page, taken out of the direct map: -1 if there is none."""
    pfn = alloc_page(m, cpu, UNMOVABLE)
    if pfn < 0:
        return -1
    m.total[0].zeroed += 1
    if not unmap_page(m, cpu, pfn):
        free_page(m, cpu, pfn)
        return -1
    return pfn


@compiled
def take_block(m, cpu):
    """2M out of the direct map, and zeroed: -1 if the allocator has none."""
    pfn = alloc_block(m, PAGEBLOCK, UNMOVABLE)
    if pfn < 0:
        return -1
    m.total[0].zeroed += BLOCK_PAGES
    if not unmap_block(m, cpu, pfn):
        free_block(m, pfn, PAGEBLOCK)
        return -1
    flush(m, BLOCK_PAGES)
    m.total[0].pooled += BLOCK_PAGES
    return pfn


@compiled
def alloc_grouped(m, cpu):
    """A page of those that are out of the direct map already, or of 2M that now go."""
    pfn = rmqueue_smallest(m, 0, UNMAPPED)
    if pfn < 0:
        pfn = take_block(m, cpu)
        if pfn >= 0:
            m.block[pfn >> PAGEBLOCK].mt = UNMAPPED
            expand(m, pfn, 0, PAGEBLOCK, UNMAPPED)
    return pfn


@compiled
def free_grouped(m, pfn):
    """Back to the group; the pool keeps one whole 2M and lets others go, the type keeps all."""
    total = m.total[0]
    total.zeroed += 1
    free_one_page(m, pfn, 0, UNMAPPED)
    if total.interface == GLOBAL_POOL and m.line[UNMAPPED * ORDERS + PAGEBLOCK].count > 1:
        whole = rmqueue_smallest(m, PAGEBLOCK, UNMAPPED)
        map_block(m, whole)
        total.pooled -= BLOCK_PAGES
        m.block[whole >> PAGEBLOCK].mt = UNMOVABLE
        free_one_page(m, whole, PAGEBLOCK, UNMOVABLE)


@compiled
def alloc_from_file(m, cpu, process):
    """The next page of the 2M that this file has, or of 2M more."""
    if m.process[process].held % BLOCK_PAGES == 0:
        return take_block(m, cpu)
    return m.process[process].last + 1


@compiled
def fault(m, process, cpu):
    """secretmem_fault(): one more page for a file. False if there is no memory."""
    total = m.total[0]
    if total.interface == FILE_POOL:
        pfn = alloc_from_file(m, cpu, process)
    elif total.interface == GLOBAL_POOL:
        pfn = alloc_grouped(m, cpu)
    elif total.interface == MIGRATE_TYPE:
        pfn = alloc_grouped(m, cpu)
        if pfn < 0:
            pfn = alloc_single(m, cpu)
            total.unflushed += pfn >= 0
    else:
        pfn = alloc_single(m, cpu)
        total.unflushed += pfn >= 0
    if pfn < 0:
        total.failures += 1
        return False
    file = m.process[process]
    if file.held < m.held.shape[1]:
        m.held[process, file.held] = pfn
    file.last = pfn
    file.held += 1
    total.faults += 1
    total.held += 1
    return True


@compiled
def touch(m, process, cpu, pages):
    """Fault so many pages in one call, then flush those that left the direct map in it."""
    total = m.total[0]
    total.unflushed = 0
    done = True
    for _ in range(pages):
        if not fault(m, process, cpu):
            done = False
            break
    if total.unflushed:
        flush(m, total.unflushed)
    return done


@compiled
def close(m, process, cpu):
    """The last reference to a file goes: map, zero and free its pages, the first one first."""
    total = m.total[0]
    held = m.process[process].held
    for i in range(held):
        pfn = m.held[process, i]
        if total.interface == FILE_POOL:
            if i % BLOCK_PAGES == 0:
                map_block(m, pfn)
                total.zeroed += BLOCK_PAGES
                total.pooled -= BLOCK_PAGES
                free_block(m, pfn, PAGEBLOCK)
        elif m.block[pfn >> PAGEBLOCK].mt == UNMAPPED:
            free_grouped(m, pfn)
        else:
            map_page(m, pfn)
            total.zeroed += 1
            free_page(m, cpu, pfn)
    if total.interface == COLLAPSE:
        freed = 0
        for i in range(held):
            freed += collapse(m, cpu, m.held[process, i])
        total.tables -= freed
        total.collapse_flushes += freed > 0
    m.process[process].held = 0
    total.held -= held
    total.closes += 1


# --- what others allocate ------------------------------------------------------------------------


@compiled
def count_movable(m, pfn, order, sign):
    """Pages that could be moved away, by pageblock."""
    if order <= PAGEBLOCK:
        m.block[pfn >> PAGEBLOCK].movable += sign << order
    else:
        for block in range(pfn >> PAGEBLOCK, (pfn + (1 << order)) >> PAGEBLOCK):
            m.block[block].movable += sign * BLOCK_PAGES


@compiled
def churn_alloc(m):
    """Somebody allocates: mostly single pages, half of them movable."""
    total = m.total[0]
    dice = random(m, 64)
    order = 0
    if dice >= 40:
        order = 1 + (dice - 40) // 8
    if dice == 63 and random(m, 8) == 0:
        order = PAGEBLOCK
    dice = random(m, 16)
    mt = MOVABLE if dice < 8 or order == PAGEBLOCK else UNMOVABLE if dice < 13 else RECLAIMABLE
    if order:
        pfn = alloc_block(m, order, mt)
    else:
        pfn = alloc_page(m, random(m, total.cpus), mt)
    if pfn < 0:
        return
    if mt == MOVABLE:
        count_movable(m, pfn, order, 1)
    m.live[total.live] = (pfn << LIVE_PFN) | (order << LIVE_ORDER) | mt
    total.live += 1
    total.live_pages += 1 << order


@compiled
def churn_free(m):
    """Somebody frees what was allocated at any time."""
    total = m.total[0]
    i = random(m, total.live)
    what = m.live[i]
    total.live -= 1
    m.live[i] = m.live[total.live]
    pfn, order, mt = what >> LIVE_PFN, (what >> LIVE_ORDER) & 15, what & 15
    if mt == MOVABLE:
        count_movable(m, pfn, order, -1)
    total.live_pages -= 1 << order
    if order:
        free_block(m, pfn, order)
    else:
        free_page(m, random(m, total.cpus), pfn)


@compiled
def churn(m):
    """One event of a load that comes and goes: it grows to its bound, then shrinks to half."""
    total = m.total[0]
    if total.live == len(m.live):
        total.growing = 0
    elif total.live <= len(m.live) // 2:
        total.growing = 1
    # Three steps forward, one back: what lives on is of all ages.
    if (random(m, 4) > 0) == (total.growing == 1):
        if total.live < len(m.live):
            churn_alloc(m)
    elif total.live:
        churn_free(m)


# --- entries -------------------------------------------------------------------------------------


@entry
def fill(m, chosen, blocks):
    """Pageblocks in this order join the free lists, at the tail; others are in use."""
    for i in range(blocks):
        pfn = chosen[i] << PAGEBLOCK
        free_one_page(m, pfn, PAGEBLOCK, m.block[chosen[i]].mt)
    return 0


@entry
def place(m, pfns, orders, blocks):
    """Free blocks where /proc says that there are some, in this order."""
    for i in range(blocks):
        mt = m.block[pfns[i] >> PAGEBLOCK].mt
        add_to_free_list(m, pfns[i], orders[i], mt, True)
    return 0


@entry
def wear(m, events):
    """What the machine has been through before."""
    for _ in range(events):
        churn(m)
    return 0


@entry
def occupy(m, process, pages):
    """A file takes pages and keeps them: guest memory. Which ones is not remembered."""
    left = pages
    while left > 0 and touch(m, process, 0, min(left, m.total[0].batch_faults)):
        left = pages - m.process[process].held
    return 0


@entry
def run(m, faults, events):
    """Processes open, touch and close at random until so many faults were tried."""
    total = m.total[0]
    end = total.faults + total.failures + faults
    while total.faults + total.failures < end:
        process = random(m, total.processes)
        cpu = process % total.cpus
        left = total.secret - m.process[process].held
        if left == 0 or not touch(m, process, cpu, min(left, total.batch_faults)):
            close(m, process, cpu)
        for _ in range(events):
            churn(m)
    return 0


@entry
def loop(m, process, rounds):
    """One process alone opens, touches and closes, again and again."""
    total = m.total[0]
    cpu = process % total.cpus
    close(m, process, cpu)
    for _ in range(rounds):
        while m.process[process].held < total.secret:
            left = total.secret - m.process[process].held
            if not touch(m, process, cpu, min(left, total.batch_faults)):
                break
        close(m, process, cpu)
    return 0


@entry
def settle(m):
    """Flush what is pending still."""
    total = m.total[0]
    if total.pending:
        total.pending = 0
        total.full_flushes += 1
    return 0
