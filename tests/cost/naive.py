"""The direct-map simulator as plainly as it can be said: Python, a record for each page.

Every question is answered by looking at pages: whether a block is free, how large an entry is, how
many tables there are. The tests hold the compiled simulator against it, count by count.
"""

from __future__ import annotations

from collections import Counter, deque
from math import isqrt

import numpy as np

UNMOVABLE, MOVABLE, RECLAIMABLE, UNMAPPED = range(4)
FALLBACKS = {
    UNMOVABLE: (RECLAIMABLE, MOVABLE),
    MOVABLE: (RECLAIMABLE, UNMOVABLE),
    RECLAIMABLE: (UNMOVABLE, MOVABLE),
}
GIB = 1 << 18
BLOCK = 512
K4, M2, G1 = "4K", "2M", "1G"


class Pcp:
    def __init__(self):
        self.lists = {mt: deque() for mt in (UNMOVABLE, MOVABLE, RECLAIMABLE)}
        self.high = self.alloc_factor = self.free_count = 0

    @property
    def count(self):
        return sum(len(pages) for pages in self.lists.values())


class Naive:
    """A machine, and all that is done with it."""

    def __init__(self, pages, cpus, interface="page", batch=1, defer=0, never=False, seed=1):
        self.pages, self.cpus, self.interface = pages, cpus, interface
        self.batch_faults, self.defer, self.never = batch, defer, never
        self.seed = seed
        self.head = [None] * pages  # the order of the free block that begins with this page
        self.is_free = [False] * pages
        self.is_movable = [True] * pages
        self.type = [MOVABLE] * (pages // BLOCK)
        self.free = {(order, mt): deque() for order in range(11) for mt in range(4)}
        self.size = [G1] * pages  # of the direct-map entry over each page
        self.size[: min(GIB, pages)] = [M2] * min(GIB, pages)
        if pages % GIB:
            self.size[pages - pages % GIB :] = [M2] * (pages % GIB)
        self.size[:BLOCK] = [K4] * BLOCK
        self.present = [True] * pages
        self.table_of = {}  # (size of its entries, where it begins): its own page
        self.boot_tables = {(M2, at) for at in range(0, pages, GIB) if self.size[at] != G1}
        self.boot_tables.add((K4, 0))
        self.pcp = [Pcp() for _ in range(cpus)]
        self._limits()
        self.files = {}
        self.live, self.growing = [], True
        self.count = Counter()
        self.pending = 0
        self.pooled = 0

    def _limits(self):
        batch = max(min(self.pages >> 10, 256) // 4, 1)
        batch += batch // 2
        self.batch = 2 ** (batch.bit_length() - 1) - 1
        least = min(max(isqrt(self.pages * 64), 128), 262144) // 4
        low = least + max(least // 4, self.pages // 1000)
        self.high_max = min(max(self.pages // 8 // self.cpus, 4 * self.batch), 8192)
        self.high_min = min(max(low // self.cpus, 4 * self.batch), self.high_max)

    def random(self, n):
        self.seed = (self.seed * 25214903917 + 11) % 2**48
        return self.seed // 2**17 % n

    # --- free blocks ------------------------------------------------------------------------

    def add(self, pfn, order, mt, to_tail):
        blocks = self.free[order, mt]
        blocks.append(pfn) if to_tail else blocks.appendleft(pfn)
        self.head[pfn] = order
        self.is_free[pfn : pfn + 2**order] = [True] * 2**order

    def take(self, pfn, order, mt):
        self.free[order, mt].remove(pfn)
        self.head[pfn] = None
        self.is_free[pfn : pfn + 2**order] = [False] * 2**order

    def is_block(self, pfn, order):
        return pfn + 2**order <= self.pages and self.head[pfn] == order

    def give(self, pfn, order, mt):
        while order < 10 and self.is_block(pfn ^ 2**order, order):
            buddy = pfn ^ 2**order
            buddy_mt = self.type[buddy // BLOCK] if order >= 9 else mt
            if order >= 9 and UNMAPPED in (mt, buddy_mt):
                break
            self.take(buddy, order, buddy_mt)
            if order >= 9:
                self.retype(buddy, order, mt)
            pfn = min(pfn, buddy)
            order += 1
        above = (pfn & ~(2**order)) ^ 2 ** (order + 1)
        self.add(pfn, order, mt, order < 9 and self.is_block(above, order + 1))

    def retype(self, pfn, order, mt):
        for block in range(pfn // BLOCK, (pfn + 2**order) // BLOCK):
            self.type[block] = mt

    def cut(self, pfn, low, high, mt):
        for order in range(high - 1, low - 1, -1):
            self.add(pfn + 2**order, order, mt, False)

    def smallest(self, order, mt):
        for high in range(order, 11):
            if self.free[high, mt]:
                pfn = self.free[high, mt][0]
                self.take(pfn, high, mt)
                self.cut(pfn, order, high, mt)
                return pfn
        return None

    def other_type(self, order, mt):
        return next((other for other in FALLBACKS[mt] if self.free[order, other]), None)

    def claim(self, order, mt):
        for high in range(10, order - 1, -1):
            other = self.other_type(high, mt)
            if other is None:
                continue
            if high < 4 and mt == MOVABLE:
                return None
            pfn = self.free[high, other][0]
            if high >= 9:
                self.take(pfn, high, self.type[pfn // BLOCK])
                self.retype(pfn, high, mt)
                self.cut(pfn, order, high, mt)
                return pfn
            found = self.claim_torn(pfn // BLOCK, order, mt)
            if found is not None:
                return found
        return None

    def claim_torn(self, block, order, mt):
        pages = range(block * BLOCK, (block + 1) * BLOCK)
        old = self.type[block]
        free = sum(self.is_free[pfn] for pfn in pages)
        movable = sum(self.is_movable[pfn] and not self.is_free[pfn] for pfn in pages)
        alike = movable if mt == MOVABLE else BLOCK - free - movable if old == MOVABLE else 0
        if free + alike < BLOCK // 2:
            return None
        for pfn in pages:
            if self.head[pfn] is not None:
                self.free[self.head[pfn], old].remove(pfn)
                self.free[self.head[pfn], mt].append(pfn)
        self.type[block] = mt
        return self.smallest(order, mt)

    def steal(self, order, mt):
        for high in range(order, 11):
            other = self.other_type(high, mt)
            if other is not None:
                pfn = self.free[high, other][0]
                self.take(pfn, high, other)
                self.cut(pfn, order, high, other)
                return pfn
        return None

    def block(self, order, mt):
        for find in (self.smallest, self.claim, self.steal):
            if (pfn := find(order, mt)) is not None:
                return pfn
        return None

    # --- per-CPU lists ----------------------------------------------------------------------

    def fetch(self, pcp):
        pcp.high = min(max(pcp.high, self.high_min), self.high_max)
        if pcp.high < self.batch:
            return 1
        batch = self.batch * 2**pcp.alloc_factor
        if self.high_min != self.high_max:
            pcp.high = min(pcp.high + batch, self.high_max)
        most = max(pcp.high - pcp.count - self.batch, self.batch)
        if batch <= most and pcp.alloc_factor < 5:
            pcp.alloc_factor += 1
        batch = min(batch, most)
        return max(batch, 2) if batch > 1 else batch

    def page(self, cpu, mt):
        pcp = self.pcp[cpu]
        pcp.free_count //= 2
        if not pcp.lists[mt]:
            finders = [self.smallest, self.claim, self.steal]
            for _ in range(self.fetch(pcp)):
                found = ((find, find(0, mt)) for find in finders)
                find, pfn = next((f for f in found if f[1] is not None), (None, None))
                if pfn is None:
                    break
                if find == self.steal:
                    finders = [self.steal]
                pcp.lists[mt].append(pfn)
        return pcp.lists[mt].popleft() if pcp.lists[mt] else None

    def free_page(self, cpu, pfn):
        pcp = self.pcp[cpu]
        mt = self.type[pfn // BLOCK]
        pcp.alloc_factor //= 2
        pcp.lists[mt].appendleft(pfn)
        if pcp.free_count < self.batch * 32:
            pcp.free_count += 1
        pcp.high = high = min(max(pcp.high, self.high_min), self.high_max)
        if self.high_min != self.high_max and pcp.count >= high:
            need = pcp.free_count + self.batch
            if high < need:
                pcp.high = min(max(need, self.high_min), self.high_max)
        if pcp.count >= high:
            count = min(max(pcp.free_count, self.batch), high - self.batch)
            self.spill(pcp, count if high >= self.batch else 1, mt)

    def spill(self, pcp, count, mt):
        for _ in range(min(count, pcp.count)):
            while not pcp.lists[mt]:
                mt = (mt + 1) % 3
            pfn = pcp.lists[mt].pop()
            self.give(pfn, 0, self.type[pfn // BLOCK])

    # --- the direct map ---------------------------------------------------------------------

    def split(self, cpu, pfn, to):
        """Make the entry over this page as small as `to`."""
        for old, new, pages in ((G1, M2, GIB), (M2, K4, BLOCK)):
            if self.size[pfn] == old and to != old:
                table = self.page(cpu, UNMOVABLE)
                if table is None:
                    return False
                start = pfn - pfn % pages
                self.size[start : start + pages] = [new] * len(self.size[start : start + pages])
                self.table_of[new, start] = table
                self.count["splits_1g" if old == G1 else "splits_2m"] += 1
        return True

    def change(self, pfn, pages, present):
        """Entries are written: one for 2M at once, or each 4K one."""
        self.present[pfn : pfn + pages] = [present] * pages
        self.count["changes"] += 1 if pages == BLOCK and self.size[pfn] == M2 else pages

    def collapse(self, cpu, pfn):
        freed = 0
        for new, old, pages in ((M2, K4, BLOCK), (G1, M2, GIB)):
            start = pfn - pfn % pages
            here = slice(start, start + pages)
            mine = (old, start) in self.table_of
            if mine and self.size[here].count(old) == pages and all(self.present[here]):
                self.size[here] = [new] * pages
                self.free_page(cpu, self.table_of.pop((old, start)))
                self.count["collapses_2m" if new == M2 else "collapses_1g"] += 1
                freed += 1
        return freed

    def flush(self, pages):
        if self.never:
            self.count["exposed"] += pages
        elif self.defer:
            self.count["exposed"] += pages
            self.pending += pages
            if self.pending >= self.defer:
                self.settle()
        elif pages > 33:
            self.count["full_flushes"] += 1
        else:
            self.count["range_flushes"] += 1
            self.count["invlpgs"] += pages

    def settle(self):
        self.count["full_flushes"] += self.pending > 0
        self.pending = 0

    # --- exclusive pages --------------------------------------------------------------------

    def single(self, cpu):
        pfn = self.page(cpu, UNMOVABLE)
        if pfn is None:
            return None
        self.count["zeroed"] += 1
        if not self.split(cpu, pfn, K4):
            self.free_page(cpu, pfn)
            return None
        self.change(pfn, 1, False)
        self.gone += 1
        return pfn

    def whole(self, cpu):
        pfn = self.block(9, UNMOVABLE)
        if pfn is None:
            return None
        self.count["zeroed"] += BLOCK
        if not self.split(cpu, pfn, M2):
            self.give(pfn, 9, self.type[pfn // BLOCK])
            return None
        self.change(pfn, BLOCK, False)
        self.flush(BLOCK)
        self.pooled += BLOCK
        return pfn

    def grouped(self, cpu):
        pfn = self.smallest(0, UNMAPPED)
        if pfn is None and (pfn := self.whole(cpu)) is not None:
            self.type[pfn // BLOCK] = UNMAPPED
            self.cut(pfn, 0, 9, UNMAPPED)
        return pfn

    def fault(self, process, cpu):
        file = self.files.setdefault(process, [])
        if self.interface == "file-pool":
            pfn = file[-1] + 1 if len(file) % BLOCK else self.whole(cpu)
        elif self.interface in ("global-pool", "migrate-type"):
            pfn = self.grouped(cpu)
            if pfn is None and self.interface == "migrate-type":
                pfn = self.single(cpu)
        else:
            pfn = self.single(cpu)
        if pfn is None:
            self.count["failures"] += 1
            return False
        self.is_movable[pfn] = False
        file.append(pfn)
        self.count["faults"] += 1
        return True

    def touch(self, process, cpu, pages):
        self.gone = 0
        done = all(self.fault(process, cpu) for _ in range(pages))
        if self.gone:
            self.flush(self.gone)
        return done

    def close(self, process, cpu):
        file = self.files.pop(process, [])
        for i, pfn in enumerate(file):
            if self.interface == "file-pool":
                if i % BLOCK == 0:
                    self.change(pfn, BLOCK, True)
                    self.count["zeroed"] += BLOCK
                    self.pooled -= BLOCK
                    self.give(pfn, 9, self.type[pfn // BLOCK])
            elif self.type[pfn // BLOCK] == UNMAPPED:
                self.count["zeroed"] += 1
                self.give(pfn, 0, UNMAPPED)
                if self.interface == "global-pool" and len(self.free[9, UNMAPPED]) > 1:
                    spare = self.smallest(9, UNMAPPED)
                    self.change(spare, BLOCK, True)
                    self.pooled -= BLOCK
                    self.type[spare // BLOCK] = UNMOVABLE
                    self.give(spare, 9, UNMOVABLE)
            else:
                self.change(pfn, 1, True)
                self.count["zeroed"] += 1
                self.free_page(cpu, pfn)
        if self.interface == "collapse":
            freed = sum([self.collapse(cpu, pfn) for pfn in file])
            self.count["collapse_flushes"] += freed > 0
        self.count["closes"] += 1

    # --- what goes on -----------------------------------------------------------------------

    def start(self, used, fresh, seed):
        """So many blocks are in use; the others are freed."""
        blocks = len(self.type)
        taken = round(blocks * used)
        if fresh:
            chosen = range(blocks - 1, taken - 1, -1)
        else:
            chosen = np.random.default_rng(seed).permutation(blocks)[taken:]
        for block in map(int, chosen):
            self.is_movable[block * BLOCK : (block + 1) * BLOCK] = [False] * BLOCK
        for block in map(int, chosen):
            self.give(block * BLOCK, 9, self.type[block])

    def churn(self, most):
        if len(self.live) == most:
            self.growing = False
        elif len(self.live) <= most // 2:
            self.growing = True
        if (self.random(4) > 0) == self.growing:
            if len(self.live) < most:
                self.others_take()
        elif self.live:
            self.others_give()

    def others_take(self):
        dice = self.random(64)
        order = 0 if dice < 40 else 1 + (dice - 40) // 8
        if dice == 63 and self.random(8) == 0:
            order = 9
        dice = self.random(16)
        mt = UNMOVABLE if 8 <= dice < 13 else RECLAIMABLE
        if dice < 8 or order == 9:
            mt = MOVABLE
        pfn = self.block(order, mt) if order else self.page(self.random(self.cpus), mt)
        if pfn is not None:
            self.is_movable[pfn : pfn + 2**order] = [mt == MOVABLE] * 2**order
            self.live.append((pfn, order))

    def others_give(self):
        i = self.random(len(self.live))
        pfn, order = self.live[i]
        self.live[i] = self.live[-1]
        self.live.pop()
        self.is_movable[pfn : pfn + 2**order] = [False] * 2**order
        if order:
            self.give(pfn, order, self.type[pfn // BLOCK])
        else:
            self.free_page(self.random(self.cpus), pfn)

    def run(self, faults, processes, secret, events, most):
        end = self.count["faults"] + self.count["failures"] + faults
        while self.count["faults"] + self.count["failures"] < end:
            process = self.random(processes)
            cpu = process % self.cpus
            left = secret - len(self.files.get(process, []))
            if left == 0 or not self.touch(process, cpu, min(left, self.batch_faults)):
                self.close(process, cpu)
            for _ in range(events):
                self.churn(most)

    # --- what is to be compared -------------------------------------------------------------

    def entries(self):
        pages = Counter(self.size)
        return {G1: pages[G1] // GIB, M2: pages[M2] // BLOCK, K4: pages[K4]}

    def sums(self):
        return {
            "tables": len(self.table_of) + len(self.boot_tables),
            "absent": self.present.count(False),
            "held": sum(map(len, self.files.values())),
            "pooled": self.pooled,
            "free": self.is_free.count(True),
        }
