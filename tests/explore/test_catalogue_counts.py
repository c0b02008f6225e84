"""Exact numbers of a few searches: a tripwire against a search that silently sees less.

They change when the model changes, and only then; say why in the commit.
"""

from __future__ import annotations

import pytest

from pagefault.explore.search import explore
from pagefault.lang import select
from pagefault.link import link

NUMBERS = ("states", "transitions", "depth", "positive", "negative")
PINNED = [
    ("gup+pin-mprotect-write-dma", "mainline", "op", 8, 7, 7, 0, 1),
    ("gup+pin-mprotect-write-dma", "linux-5.10", "op", 8, 7, 7, 1, 0),
    ("cow+vmsplice-in-child-unmap+parent-writes", "linux-5.7", "op", 13, 14, 7, 1, 1),
    ("cow+fork+parent-writes", "mainline", "step", 27, 33, 19, 0, 1),
    ("fork+gup-fast-pin+store-dma", "linux-5.7", "step", 185, 307, 26, 1, 1),
    ("fork+gup-fast-pin+store-dma", "mainline", "step", 174, 285, 25, 0, 2),
    ("fork+copying-thread+stale-store-load", "faults-under-vma-locks", "step", 611, 1055, 29, 0, 8),
    ("gup+pin-unpin+fork-store", "mainline", "step", 964, 2355, 32, 0, 2),
    ("tlb+munmap-mmap-store+store", "mainline", "step", 93, 149, 21, 0, 2),
    ("ksm+stores", "mainline", "step", 334, 526, 50, 0, 8),
    ("migrate+fork+child-stores", "mainline", "step", 1491, 3409, 37, 0, 5),
    ("migrate+file-truncate+migrate", "mainline", "step", 277, 467, 44, 0, 2),
    ("migrate+file-store+fsync", "mainline", "step", 360, 600, 44, 0, 2),
    ("migrate+pin-migrate+compact", "mainline", "step", 43, 69, 23, 0, 1),
    ("migrate+pageout-load-vmsplice-migrate+compact", "mainline", "step", 251, 386, 50, 1, 3),
    ("thp+migrate+fork-store", "mainline", "step", 3786, 8739, 53, 0, 8),
    ("thp+mlock-munmap-part-reclaim+gup-fast-pin-dma", "mainline", "step", 183, 281, 41, 0, 4),
    ("thp+gup-fast-pin-dma+migrate-store", "mainline", "step", 139, 227, 28, 0, 4),
    ("thp+migrate+mprotect-part-store", "mainline", "step", 496, 829, 42, 0, 5),
    ("file+fsync+store", "mainline", "step", 466, 765, 45, 0, 3),
    ("file+munmap-pread+store+fsync", "linux-6.1", "step", 4589, 10200, 50, 2, 16),
    ("file+mremap+truncate+store", "mainline", "step", 751, 1549, 30, 1, 2),
    ("file+truncate-grow-pread+store", "mainline", "step", 249, 402, 35, 0, 5),
    ("file+proc_mem_write+dontneed-continue", "linux-5.18", "step", 158, 258, 33, 1, 2),
    ("file+longterm-pin-fsync-dma-write", "linux-6.1", "op", 10, 9, 9, 1, 0),
    ("uprobe+fork+register", "mainline", "step", 104, 141, 39, 0, 3),
    ("uprobe+unregister+store", "mainline", "step", 171, 248, 42, 1, 4),
    ("uprobe+unregister+store", "linux-6.18", "step", 117, 174, 39, 0, 2),
    ("droppable+vgetrandom-seed-use+drop", "mainline", "step", 163, 254, 23, 0, 10),
    ("droppable+writev-load+pageout", "mainline", "step", 142, 225, 26, 1, 7),
    ("droppable+load-flag+load-load+pageout", "mainline", "step", 3269, 7460, 39, 3, 50),
    ("droppable+pin-dma-write-unpin-dirty-pageout", "pte-dirty-vma", "op", 10, 10, 7, 2, 0),
    ("droppable+mlockall-future-mmap-pageout-load", "mainline", "step", 21, 20, 20, 1, 0),
    ("droppable+mlockall-future-mmap-pageout-load", "linux-6.11", "step", 12, 11, 11, 0, 1),
    ("droppable+two-pages-reclaim_file", "mainline", "op", 16, 20, 6, 1, 3),
    ("droppable+two-pages-reclaim_file", "mainline+classic-lru", "op", 7, 6, 6, 1, 0),
    ("droppable+hugepage-pageout-part", "mainline", "step", 62, 61, 61, 1, 0),
    ("droppable+limit-store", "mainline", "op", 3, 3, 2, 0, 0),
    ("droppable+private-mlock-pageout-load", "mainline", "step", 14, 13, 13, 1, 0),
    ("vmalloc+ring-free-load+store", "vmalloc-option-2", "step", 84, 145, 16, 1, 2),
    ("vmalloc+packet-send+close", "mainline", "step", 65, 92, 18, 2, 2),
    ("vmalloc+ring-get+munmap-free", "vmalloc-option-3-gup-fast", "step", 118, 192, 22, 2, 1),
    ("vmalloc+io-uring-fork-free+child-load", "vmalloc-option-2", "step", 38, 45, 21, 1, 1),
    ("vmalloc+ringbuf-maps-data-twice", "mainline", "step", 28, 27, 27, 1, 0),
    ("vmalloc+arena-two-processes", "mainline", "step", 401, 745, 33, 1, 1),
    ("vmalloc+packet-pin-munmap-free-dma", "vmalloc-option-3", "step", 29, 28, 28, 1, 0),
    (
        "vmalloc+rings-mmap+free-realloc-store",
        "rxe-mmap-takes-no-reference",
        "step",
        272,
        466,
        22,
        2,
        4,
    ),
    ("vmalloc+perf-mmap+munmap", "perf-maps-after-the-mutex", "step", 145, 250, 22, 0, 4),
    ("cow+fork-limit-pin", "mainline", "step", 90, 138, 32, 0, 2),
    ("notifier+fork-wait-kpagecount+child-kvm-read-exit", "mainline", "step", 56, 74, 36, 0, 1),
    ("thp+clear-store-pagemap", "mainline", "step", 24, 23, 23, 0, 1),
    ("thp+collapse+collapse", "mainline", "step", 102, 148, 23, 0, 2),
    ("thp+fork-pin-read-write-dma", "mainline", "step", 33, 32, 32, 0, 1),
    (
        "thp+fork-proc_mem_write+dontneed-proc_mem_read+child-loads",
        "linux-5.7-huge-pages-of-4.14",
        "step",
        1060,
        2493,
        32,
        2,
        10,
    ),
    ("thp+fork-store+dontneed+child-store-collapse", "mainline", "step", 2622, 6172, 51, 0, 26),
    ("thp+gup-fast-pin-dma+dontneed-store", "mainline", "step", 232, 362, 24, 0, 11),
    ("thp+kvm-fork-store+dontneed-load", "mainline", "step", 890, 1517, 60, 0, 15),
    ("thp+load-fork-kpagecount", "mainline", "step", 40, 52, 26, 0, 1),
    ("thp+pin-slow+dontneed-store", "mainline", "step", 191, 292, 23, 0, 11),
    ("thp+store+store", "mainline", "step", 63, 99, 15, 0, 2),
    ("thp+store-dontneed+store", "mainline", "step", 185, 287, 27, 0, 7),
    ("thp+uffd-missing-copy+store", "mainline", "step", 38, 48, 19, 0, 1),
    (
        *("exclusive+two-users-close-munmap+store", "direct-map-joined-later", "step"),
        *(80, 118, 32, 1, 2),
    ),
    ("exclusive+guest+close", "guest-memfd-unmapped", "step", 33, 39, 20, 1, 1),
    ("exclusive+load-poison-load", "mainline", "step", 294, 469, 42, 1, 6),
    ("exclusive+ordinary-fork-poison+child-stores", "mainline", "step", 304, 528, 40, 3, 0),
    ("exclusive+store+load_text", "rox-joins-for-itself", "step", 150, 256, 26, 1, 3),
    (
        *("exclusive+fork-munmap+child-loads", "map-exclusive-special-copied", "op"),
        *(30, 36, 8, 3, 4),
    ),
    ("exclusive+store+compact", "mainline", "step", 109, 157, 32, 0, 2),
    ("exclusive+ordinary-splice+truncate", "mainline", "step", 74, 107, 26, 1, 2),
    ("exclusive+huge-munmap-mmap-store", "map-exclusive-rfc-huge", "step", 24, 23, 23, 0, 1),
]


@pytest.mark.parametrize(("name", "design", "grain", *NUMBERS), PINNED)
def test_exact_numbers(name, design, grain, states, transitions, depth, positive, negative):
    result = explore(link(design), select([name])[0].program, grain)
    assert (result.states, result.transitions, result.depth) == (states, transitions, depth)
    assert (result.positive, result.negative) == (positive, negative)
