"""Which page an allocation gets: the buddy allocator and its per-CPU lists. Compiled.

mm/page_alloc.c, v6.12: free lists by order and migrate type, in the kernel's order (what is freed
goes to the head, or to the tail if its neighbour may join it soon), pageblocks of 2 MiB that have a
type, what an allocation does that finds no free page of its type, and per-CPU lists that are filled
and emptied in batches whose size adapts.

Left out: zones but one, NUMA nodes, watermarks and reclaim, CMA, highatomic reserves, per-CPU lists
of higher orders, the decay of pcp->high in time.

A free block is a node of a list. A node stands for a pageblock, for orders 9 and 10, or for a page
of a pageblock that is torn, which has a chunk of 512 nodes. So memory that is free or used in whole
costs nothing, and a machine of many TiB fits.
"""

from __future__ import annotations

from pagefault.jit import compiled

ORDERS = 11
MAX_ORDER = 10
PAGEBLOCK = 9
BLOCK_PAGES = 512

UNMOVABLE = 0
MOVABLE = 1
RECLAIMABLE = 2
UNMAPPED = 3  # proposed: pages that are not in the direct map
TYPES = 4
PCP_TYPES = 3

PCP_SCALE = 5  # CONFIG_PCP_BATCH_SCALE_MAX

# How deep the search for a page goes: enum rmqueue_mode.
NORMAL = 0
STEAL = 1


# --- free lists ----------------------------------------------------------------------------------


@compiled
def node_of(m, pfn, order):
    """The node that a free block has, or would have."""
    block = pfn >> PAGEBLOCK
    if order >= PAGEBLOCK:
        return block
    return len(m.block) + m.block[block].chunk * BLOCK_PAGES + (pfn & (BLOCK_PAGES - 1))


@compiled
def pfn_of(m, node):
    """Where the free block of a node begins."""
    slot = node - len(m.block)
    if slot < 0:
        return node << PAGEBLOCK
    return (m.chunk[slot >> PAGEBLOCK].owner << PAGEBLOCK) + (slot & (BLOCK_PAGES - 1))


@compiled
def free_order(m, pfn):
    """The order of the free block that begins here, -1 if none does."""
    block = pfn >> PAGEBLOCK
    if pfn & (BLOCK_PAGES - 1) == 0 and m.node[block].order:
        return m.node[block].order - 1
    if m.block[block].chunk < 0:
        return -1
    return m.node[node_of(m, pfn, 0)].order - 1


@compiled
def take_chunk(m, block):
    """Nodes for the pages of a pageblock."""
    total = m.total[0]
    if total.spare:
        total.spare -= 1
        chunk = m.chunk[total.spare].spare
    else:
        chunk = total.chunks
        total.chunks += 1
    m.chunk[chunk].owner = block
    m.block[block].chunk = chunk


@compiled
def give_chunk(m, block):
    """No free block in this pageblock is smaller than it."""
    total = m.total[0]
    m.chunk[total.spare].spare = m.block[block].chunk
    total.spare += 1
    m.block[block].chunk = -1


@compiled
def account(m, pfn, order, sign):
    """Pages of a block become free, or cease to be."""
    m.total[0].free += sign << order
    if order <= PAGEBLOCK:
        m.block[pfn >> PAGEBLOCK].free += sign << order
    else:
        for block in range(pfn >> PAGEBLOCK, (pfn + (1 << order)) >> PAGEBLOCK):
            m.block[block].free += sign * BLOCK_PAGES


@compiled
def link(m, node, which, to_tail):
    """Put a node on a list."""
    line = m.line[which]
    line.count += 1
    if to_tail:
        m.node[node].prev = line.tail
        m.node[node].next = -1
        if line.tail >= 0:
            m.node[line.tail].next = node
        else:
            line.head = node
        line.tail = node
    else:
        m.node[node].next = line.head
        m.node[node].prev = -1
        if line.head >= 0:
            m.node[line.head].prev = node
        else:
            line.tail = node
        line.head = node


@compiled
def unlink(m, node, which):
    """Take a node off its list."""
    line = m.line[which]
    line.count -= 1
    before, behind = m.node[node].prev, m.node[node].next
    if before >= 0:
        m.node[before].next = behind
    else:
        line.head = behind
    if behind >= 0:
        m.node[behind].prev = before
    else:
        line.tail = before


@compiled
def add_to_free_list(m, pfn, order, mt, to_tail):
    """A block becomes free."""
    block = pfn >> PAGEBLOCK
    if order < PAGEBLOCK:
        if m.block[block].chunk < 0:
            take_chunk(m, block)
        m.block[block].small += 1
    node = node_of(m, pfn, order)
    m.node[node].order = order + 1
    link(m, node, mt * ORDERS + order, to_tail)
    account(m, pfn, order, 1)


@compiled
def del_from_free_list(m, pfn, order, mt):
    """A free block is taken."""
    node = node_of(m, pfn, order)
    unlink(m, node, mt * ORDERS + order)
    m.node[node].order = 0
    account(m, pfn, order, -1)
    if order < PAGEBLOCK:
        block = pfn >> PAGEBLOCK
        m.block[block].small -= 1
        if m.block[block].small == 0:
            give_chunk(m, block)


@compiled
def first_free(m, order, mt):
    """get_page_from_free_area(): -1 if there is none."""
    node = m.line[mt * ORDERS + order].head
    return -1 if node < 0 else pfn_of(m, node)


@compiled
def is_free_buddy(m, pfn, order):
    """find_buddy_page_pfn()."""
    return pfn + (1 << order) <= m.total[0].pages and free_order(m, pfn) == order


@compiled
def free_one_page(m, pfn, order, mt):
    """__free_one_page(): join buddies as long as they are free."""
    buddy = pfn ^ (1 << order)
    while order < MAX_ORDER:
        buddy = pfn ^ (1 << order)
        if not is_free_buddy(m, buddy, order):
            break
        buddy_mt = mt
        if order >= PAGEBLOCK:
            buddy_mt = m.block[buddy >> PAGEBLOCK].mt
            # What is out of the direct map goes back block by block.
            if mt == UNMAPPED or buddy_mt == UNMAPPED:
                break
        del_from_free_list(m, buddy, order, buddy_mt)
        if buddy_mt != mt:
            change_type(m, buddy, order, mt)
        pfn &= buddy
        order += 1
    # buddy_merge_likely()
    to_tail = order < MAX_ORDER - 1 and is_free_buddy_above(m, pfn & buddy, order + 1)
    add_to_free_list(m, pfn, order, mt, to_tail)


@compiled
def is_free_buddy_above(m, pfn, order):
    """Whether the block around here will find its buddy free, once it is free itself."""
    return is_free_buddy(m, pfn ^ (1 << order), order)


@compiled
def change_type(m, pfn, order, mt):
    """change_pageblock_range()."""
    for block in range(pfn >> PAGEBLOCK, (pfn + (1 << order)) >> PAGEBLOCK):
        m.block[block].mt = mt


# --- finding a page ------------------------------------------------------------------------------


@compiled
def expand(m, pfn, low, high, mt):
    """What is left of a block goes back to the lists."""
    while high > low:
        high -= 1
        add_to_free_list(m, pfn + (1 << high), high, mt, False)


@compiled
def rmqueue_smallest(m, order, mt):
    """__rmqueue_smallest()."""
    for current in range(order, ORDERS):
        pfn = first_free(m, current, mt)
        if pfn >= 0:
            del_from_free_list(m, pfn, current, mt)
            expand(m, pfn, order, current, mt)
            return pfn
    return -1


@compiled
def fallback_type(m, order, mt):
    """find_suitable_fallback(): another type with a free block of this order, -1 if none has."""
    if mt == MOVABLE:
        first, second = RECLAIMABLE, UNMOVABLE
    elif mt == UNMOVABLE:
        first, second = RECLAIMABLE, MOVABLE
    else:
        first, second = UNMOVABLE, MOVABLE
    if m.line[first * ORDERS + order].count:
        return first
    if m.line[second * ORDERS + order].count:
        return second
    return -1


@compiled
def move_freepages_block(m, block, old_mt, mt):
    """__move_freepages_block(): the free pages of a pageblock change lists, in physical order."""
    pfn = block << PAGEBLOCK
    end = pfn + BLOCK_PAGES
    while pfn < end:
        order = free_order(m, pfn)
        if order < 0:
            pfn += 1
            continue
        node = node_of(m, pfn, order)
        unlink(m, node, old_mt * ORDERS + order)
        link(m, node, mt * ORDERS + order, True)
        pfn += 1 << order
    m.block[block].mt = mt


@compiled
def try_to_steal_block(m, pfn, current, order, mt):
    """try_to_steal_block(): claim a pageblock that is mostly free or like us."""
    block = pfn >> PAGEBLOCK
    block_mt = m.block[block].mt
    if current >= PAGEBLOCK:
        del_from_free_list(m, pfn, current, block_mt)
        change_type(m, pfn, current, mt)
        expand(m, pfn, order, current, mt)
        return pfn
    free = m.block[block].free
    movable = m.block[block].movable
    if mt == MOVABLE:
        alike = movable
    elif block_mt == MOVABLE:
        alike = BLOCK_PAGES - (free + movable)
    else:
        alike = 0
    if free + alike >= BLOCK_PAGES // 2:
        move_freepages_block(m, block, block_mt, mt)
        return rmqueue_smallest(m, order, mt)
    return -1


@compiled
def rmqueue_claim(m, order, mt):
    """__rmqueue_claim(): from the largest free block of another type downwards."""
    for current in range(MAX_ORDER, order - 1, -1):
        fallback = fallback_type(m, current, mt)
        if fallback < 0:
            continue
        # can_steal_fallback()
        if current < PAGEBLOCK // 2 and mt == MOVABLE:
            break
        pfn = try_to_steal_block(m, first_free(m, current, fallback), current, order, mt)
        if pfn >= 0:
            return pfn
    return -1


@compiled
def rmqueue_steal(m, order, mt):
    """__rmqueue_steal(): take the page and leave the block its type."""
    for current in range(order, ORDERS):
        fallback = fallback_type(m, current, mt)
        if fallback >= 0:
            pfn = first_free(m, current, fallback)
            del_from_free_list(m, pfn, current, fallback)
            expand(m, pfn, order, current, fallback)
            return pfn
    return -1


@compiled
def rmqueue(m, order, mt):
    """__rmqueue(), and in total.mode where the page was found. -1: there is none."""
    total = m.total[0]
    if total.mode == NORMAL:
        pfn = rmqueue_smallest(m, order, mt)
        if pfn >= 0:
            return pfn
        pfn = rmqueue_claim(m, order, mt)
        if pfn >= 0:
            return pfn
    pfn = rmqueue_steal(m, order, mt)
    total.mode = STEAL if pfn >= 0 else NORMAL
    return pfn


@compiled
def alloc_block(m, order, mt):
    """A block straight from the free lists; -1 if there is none."""
    m.total[0].mode = NORMAL
    return rmqueue(m, order, mt)


@compiled
def free_block(m, pfn, order):
    """Give a block back to the free lists."""
    free_one_page(m, pfn, order, m.block[pfn >> PAGEBLOCK].mt)


# --- per-CPU lists -------------------------------------------------------------------------------


@compiled
def push_tail(m, cpu, mt, pfn):
    """list_add_tail()."""
    pcp = m.cpu[cpu]
    m.ring[cpu, mt, (pcp.first[mt] + pcp.length[mt]) & (m.ring.shape[2] - 1)] = pfn
    pcp.length[mt] += 1
    pcp.count += 1


@compiled
def push_head(m, cpu, mt, pfn):
    """list_add()."""
    pcp = m.cpu[cpu]
    pcp.first[mt] = (pcp.first[mt] - 1) & (m.ring.shape[2] - 1)
    m.ring[cpu, mt, pcp.first[mt]] = pfn
    pcp.length[mt] += 1
    pcp.count += 1


@compiled
def pop_head(m, cpu, mt):
    """The page that was freed last, or the first one of a batch."""
    pcp = m.cpu[cpu]
    pfn = m.ring[cpu, mt, pcp.first[mt]]
    pcp.first[mt] = (pcp.first[mt] + 1) & (m.ring.shape[2] - 1)
    pcp.length[mt] -= 1
    pcp.count -= 1
    return pfn


@compiled
def pop_tail(m, cpu, mt):
    """The page that has been here longest."""
    pcp = m.cpu[cpu]
    pcp.length[mt] -= 1
    pcp.count -= 1
    return m.ring[cpu, mt, (pcp.first[mt] + pcp.length[mt]) & (m.ring.shape[2] - 1)]


@compiled
def nr_pcp_alloc(m, cpu):
    """nr_pcp_alloc(): how many pages to fetch; twice as many each time, if nothing is freed."""
    total, pcp = m.total[0], m.cpu[cpu]
    pcp.high = min(max(pcp.high, total.high_min), total.high_max)
    high = pcp.high
    if high < total.batch:
        return 1
    batch = total.batch << pcp.alloc_factor
    if total.high_min != total.high_max:
        pcp.high = min(high + batch, total.high_max)
        high = pcp.high
    most = max(high - pcp.count - total.batch, total.batch)
    if batch <= most and pcp.alloc_factor < PCP_SCALE:
        pcp.alloc_factor += 1
    batch = min(batch, most)
    return max(batch, 2) if batch > 1 else batch


@compiled
def nr_pcp_high(m, cpu):
    """nr_pcp_high(): with so many pages the list is emptied."""
    total, pcp = m.total[0], m.cpu[cpu]
    pcp.high = min(max(pcp.high, total.high_min), total.high_max)
    high = pcp.high
    if total.high_min != total.high_max and pcp.count >= high:
        need = pcp.free_count + total.batch
        if pcp.high < need:
            pcp.high = min(max(need, total.high_min), total.high_max)
    return high


@compiled
def free_pcppages_bulk(m, cpu, count, mt):
    """free_pcppages_bulk(): the oldest pages first, those of this type before others."""
    pcp = m.cpu[cpu]
    count = min(count, pcp.count)
    while count > 0:
        while pcp.length[mt] == 0:
            mt = (mt + 1) % PCP_TYPES
        while count > 0 and pcp.length[mt] > 0:
            free_block(m, pop_tail(m, cpu, mt), 0)
            count -= 1
        mt = (mt + 1) % PCP_TYPES


@compiled
def alloc_page(m, cpu, mt):
    """rmqueue_pcplist(): a page from the list of this CPU; -1 if there is none at all."""
    total, pcp = m.total[0], m.cpu[cpu]
    pcp.free_count >>= 1
    if pcp.length[mt] == 0:
        total.mode = NORMAL
        for _ in range(nr_pcp_alloc(m, cpu)):
            pfn = rmqueue(m, 0, mt)
            if pfn < 0:
                break
            push_tail(m, cpu, mt, pfn)
        if pcp.length[mt] == 0:
            return -1
    return pop_head(m, cpu, mt)


@compiled
def free_page(m, cpu, pfn):
    """free_unref_page_commit()."""
    total, pcp = m.total[0], m.cpu[cpu]
    mt = m.block[pfn >> PAGEBLOCK].mt
    pcp.alloc_factor >>= 1
    push_head(m, cpu, mt, pfn)
    if pcp.free_count < total.batch << PCP_SCALE:
        pcp.free_count += 1
    high = nr_pcp_high(m, cpu)
    if pcp.count >= high:
        batch = min(max(pcp.free_count, total.batch), high - total.batch)
        if high < total.batch:
            batch = 1
        free_pcppages_bulk(m, cpu, batch, mt)
