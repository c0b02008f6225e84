"""Every promise, and a kernel that breaks it: a promise that nothing can break checks nothing."""

from pathlib import Path

import pytest

from pagefault.explore.promises import promises
from pagefault.explore.search import Budget, explore
from pagefault.lang import catalogue
from pagefault.link import link

KERNELS = Path(__file__).parent / "kernels"
TESTS = {entry.name: entry for entry in catalogue()}

UFFD_FLUSH = "track+get-uffd-unprotect+store+store-store"
SECRET_DMA = "droppable+pin-dma-write-unpin-dirty-pageout"
SECRET_READ = "droppable+pin-read-pageout-unpin-pageout-swapped"
UFFD_UNSHARE = "track+fork-uffd-wp-pin-read+store"

# property, kernel, test, grain, steps of the shortest trace
CAUGHT = [
    ("no-use-after-free", "frees_before_the_flush", "tlb+munmap+load", "step", 12),
    ("no-use-after-free", "frees_tables_under_walkers", "gup+gup-fast-dma+munmap-mmap", "step", 15),
    ("no-use-after-free", "zaps_without_a_flush", "tlb+munmap+load", "step", 13),
    ("no-use-after-free", "drops_a_reference_too_many", "gup+pin-unpin+fork-store", "step", 19),
    ("no-use-after-free", "moves_without_a_flush", "tlb+mremap-dontneed+store", "step", 17),
    ("no-use-after-free", "maps_without_a_reference", "cow+fork+child-dontneed", "op", 8),
    ("coherent", "linux-5.10", "gup+pin-mprotect-write-dma", "op", 6),
    ("coherent", "fork-shares-pinned", "gup+pin-fork-write-dma", "op", 5),
    ("coherent", "no-write-protect-seq", "fork+gup-fast-pin+store-dma", "step", 24),
    ("coherent", "kvm_never_retries", "notifier+kvm-read-read+cow-store", "step", 29),
    (
        *("coherent", "kvm_ignores_invalidations_under_way"),
        *("notifier+kvm-read-read+cow-store", "step", 29),
    ),
    ("coherent", "kvm_reads_the_number_late", "notifier+kvm-read-read+cow-store", "step", 32),
    (
        *("no-use-after-free", "gpc-looks-at-the-wrong-count"),
        *("notifier+gpc-read-read+munmap-mmap", "step", 24),
    ),
    ("coherent", "odp_never_retries", "notifier+odp-read-read+cow-store", "step", 27),
    (
        *("no-lost-write", "kvm_forgets_what_was_written"),
        *("notifier+kvm-write-free-write-pageout", "op", 7),
    ),
    ("coherent", "cow_tells_nobody", "notifier+kvm-read-read+cow-store", "op", 6),
    ("coherent", "cow_ends_before_the_change", "notifier+kvm-read-read+cow-store", "step", 31),
    ("coherent", "cow_tells_afterwards", "notifier+kvm-read-read+cow-store", "step", 27),
    ("no-use-after-free", "flushes_no_iotlb", "notifier+sva-read-read+munmap-mmap", "op", 6),
    ("no-lost-write", "flushes_no_iotlb", "notifier+sva-read-read+cow-store", "op", 7),
    (
        *("no-use-after-free", "user_map_retries_without_a_reference"),
        *("usermap+munmap-mmap+enter-read-read-leave", "op", 6),
    ),
    ("no-deadlock", "user-map-gup-blocks", "usermap+pin-munmap-unpin", "op", 4),
    ("no-deadlock", "user-map-notifier-blocks", "usermap+munmap+enter-write-put", "op", 6),
    ("no-deadlock", "oom-reaper-waits-for-fences", "usermap+reap+enter-read-leave", "step", 42),
    ("kernel-address", "packet-frees-rings-under-skbs", "vmalloc+packet-send+close", "step", 17),
    ("no-use-after-free", "pbuf-ring-maps-pfns", "vmalloc+ring-free-load+store", "op", 4),
    ("private", "vmalloc-option-2", "vmalloc+ring-free-load+store", "op", 6),
    ("stable", "parses-in-place", "usermap+parse+store", "step", 10),
    ("coherent", "swaps_pinned", "swap+pin-pageout-fork-write-dma", "op", 6),
    ("coherent", "linux-5.10", "swap+pin-dma-write+pageout-read-write", "step", 33),
    ("private", "keeps_swapped_exclusive_over_fork", "swap+pageout-fork+parent-writes", "op", 6),
    ("private", "reuses_always", "cow+fork+parent-writes", "op", 5),
    ("private", "linux-5.7", "cow+vmsplice-in-child-unmap+parent-writes", "op", 7),
    ("private", "leaves_the_parent_writable", "cow+fork+parent-writes", "op", 5),
    ("private", "fork_never_flushes", "cow+fork+parent-writes", "op", 5),
    ("no-lost-write", "replaces_without_a_flush", "tlb+cow-store+load-load", "step", 21),
    ("no-lost-write", "linux-6.4", "fork+copying-thread+stale-store-load", "step", 24),
    ("dirty-kept", "cleans_without_a_flush", "file+fsync+store", "step", 21),
    ("dirty-kept", "linux-6.1", "file+munmap-pread+store+fsync", "step", 25),
    ("dirty-kept", "longterm-writes-to-files", "file+longterm-pin-fsync-dma-write", "op", 6),
    ("no-lost-write", "linux-6.1", "file+munmap-pread+store+fsync", "step", 40),
    ("file-intact", "gup-drops-foll-write", "file+proc_mem_write+dontneed", "step", 19),
    ("file-intact", "linux-5.18", "file+proc_mem_write+dontneed-continue", "step", 30),
    (
        *("no-use-after-free", "mremap-flushes-without-the-ptl"),
        *("file+mremap+truncate+store", "step", 25),
    ),
    ("secret-does", "secretmem-never-flushes", "exclusive+store+look", "op", 3),
    (
        "secret-does",
        "secretmem-frees-before-it-restores",
        "exclusive+store+store+store",
        "step",
        33,
    ),
    ("secret-is", "map-exclusive-rfc", "exclusive+pin-dma", "op", 4),
    ("no-oops", "linux-6.1", "exclusive+vmsplice", "op", 7),
    ("secret-does", "secretmem-takes-private", "exclusive+mmap-private", "op", 2),
    ("secret-is", "secretmem-frees-unzeroed", "exclusive+close-munmap", "op", 4),
    ("secret-is", "gup-fast-ignores-secretmem", "exclusive+pin-dma", "op", 4),
    ("secret-is", "secretmem-never-flushes", "exclusive+store+look", "op", 4),
    ("no-oops", "secretmem-moves", "exclusive+store+offline", "op", 3),
    ("no-oops", "map-exclusive-rfc-huge", "exclusive+huge-munmap-mmap-store", "op", 5),
    (
        *("secret-is", "direct-map-joined-later"),
        *("exclusive+two-users-close-munmap+store", "step", 32),
    ),
    ("secret-is", "rox-joins-for-itself", "exclusive+store+load_text", "op", 6),
    ("no-oops", "secretmem-races-truncate", "exclusive+load+truncate", "step", 17),
    (
        *("no-oops", "secretmem-frees-before-it-restores"),
        *("exclusive+store+store+mmap-store", "step", 20),
    ),
    ("no-oops", "gup-fast-takes-fresh-secretmem", "exclusive+vmsplice", "op", 7),
    ("within-memlock", "secretmem-is-not-locked", "exclusive+memlock-mmap", "op", 4),
    ("counts", "counts_no_page_cache_reference", "file+store-pread", "op", 2),
    ("coherent", "linux-6.1", "file+longterm-pin-private-load-store-dma", "op", 4),
    ("no-lost-write", "fork-shares-pinned", "gup+pin-fork-write-dma-write", "op", 7),
    ("no-lost-write", "ignores_dirty_ptes", "swap+pageout-read-write-pageout-read", "op", 8),
    ("no-lost-write", "swapin-claims-nothing", "swap+pageout-load+load-store-pageout", "step", 37),
    (
        *("flushed-before-freed", "frees_reclaimed_folios_unflushed"),
        *("reclaim+store-store-load+reclaim", "step", 13),
    ),
    (
        *("no-lost-write", "writes_to_swap_before_the_flush"),
        *("reclaim+store-store-load+reclaim", "step", 21),
    ),
    (
        *("no-lost-write", "discards_dirty_lazyfree_folios"),
        *("reclaim+free-store-pageout-load", "op", 6),
    ),
    (
        *("no-lost-write", "madv-free-discards-what-is-referenced"),
        *("reclaim+free-get-pageout-dma-write", "op", 7),
    ),
    (
        *("no-stale-tlb", "reclaim-flushes-unnoticed"),
        *("reclaim+mprotect+store+reclaim", "step", 15),
    ),
    ("no-stale-tlb", "gathers-ignore-each-other", "tlb+dontneed-load+dontneed", "step", 13),
    ("no-stale-tlb", "poisons_without_a_flush", "exclusive+ordinary-poison-dontneed", "op", 3),
    ("counts", "hands_bad_frames_out", "exclusive+ordinary-soft_offline+store", "op", 4),
    ("no-stale-tlb", "zaps_without_a_flush", "tlb+mprotect-load-load+store", "step", 11),
    ("no-stale-tlb", "fork_never_flushes", "cow+fork+parent-writes", "op", 3),
    ("counts", "drops_a_reference_too_many", "gup+pin-unpin+fork-store", "step", 14),
    ("counts", "leaks_zapped_pages", "cow+fork+child-dontneed", "op", 8),
    ("counts", "leaks_page_tables", "cow+vmsplice-in-child-unmap+parent-writes", "op", 7),
    ("counts", "maps_without_a_reference", "cow+fork+parent-writes", "op", 3),
    ("tracked", "clears_soft_dirty_without_a_flush", "track+clear+store-store", "op", 7),
    ("tracked", "mprotect-forgets-soft-dirty", "track+clear-mprotect-store", "op", 9),
    ("tracked", "upgrades_what_userfaultfd_protects", "track+uffd-wp-mprotect+store", "op", 8),
    (
        "no-lost-write",
        "linux_5_10_before_the_uffd_flush",
        UFFD_FLUSH,
        "step",
        31,
    ),
    ("tracked", "swap_forgets_who_tracks", "swap+uffd-wp-pageout+store", "op", 7),
    ("coherent", "moves_what_is_pinned", "track+uffd-move+gup-fast-pin", "step", 24),
    ("coherent", "numa_hints_forget_the_write_bit", "track+pin-numa_hint-store-dma", "op", 5),
    ("tracked", "unshares_without_the_tracking_bits", UFFD_UNSHARE, "op", 8),
    ("clean-if-unwritten", "leaves_vmas_soft_dirty", "track+clear-store", "op", 5),
    ("counts", "counts_a_mapping_twice", "cow+fork+parent-writes", "op", 3),
    ("counts", "frees_slots_twice", "swap+pageout-dontneed-read", "op", 5),
    ("counts", "leaks_slots", "swap+pageout-dontneed-read", "op", 9),
    ("never-written-out", "swaps_droppable_out", SECRET_READ, "op", 6),
    ("never-written-out", "pte-dirty-vma", SECRET_DMA, "op", 6),
    ("last-or-zero", "drops_and_never_flushes", "droppable+load-flag+load-load+pageout", "op", 11),
    ("wiped-on-fork", "droppable-without-the-rest", "droppable+fork+child-loads", "op", 4),
    (
        *("kept-while-pinned", "madv-free-discards-what-is-referenced"),
        *("droppable+pin-pageout-load", "op", 4),
    ),
    ("no-deadlock", "forgets_to_unlock", "cow+fork+parent-writes", "op", 2),
    ("progress", "follows_for_ever", "gup+fork-pin-read-write-dma", "step", 0),
    ("rmap-after-flush", "replaces_without_a_flush", "tlb+cow-store+load-load", "step", 19),
    ("exclusive-if-writable", "leaves_the_parent_writable", "cow+fork+parent-writes", "op", 3),
    ("exclusive-if-pinned", "no-write-protect-seq", "fork+gup-fast-pin+store-dma", "step", 16),
    ("exclusive-once", "keeps_exclusive_over_fork", "cow+fork+parent-writes", "op", 3),
    ("exclusive-until-unpinned", "fork-shares-pinned", "gup+pin-fork-write-dma", "op", 4),
    ("exclusive-until-unpinned", "forks_without_the_seqcount", "cow+fork+parent-writes", "op", 3),
    ("flushed-before-freed", "frees_before_the_flush", "tlb+munmap+load", "step", 10),
    ("flushed-before-freed", "zaps_without_a_flush", "tlb+munmap+load", "step", 11),
    (
        "exclusive-once",
        "keeps_swapped_exclusive_over_fork",
        "swap+pageout-fork+parent-writes",
        "op",
        4,
    ),
    ("exclusive-once", "swaps_in_as_exclusive", "swap+pageout-fork+parent-writes", "op", 5),
    ("coherent", "ksm_merges_what_is_pinned", "ksm+pin-merge-store-dma", "op", 6),
    ("exclusive-once", "ksm_write_faults_reuse", "ksm+store", "op", 6),
    ("no-lost-write", "ksm_compares_nothing", "ksm+stores", "step", 37),
    ("coherent", "migrates_what_is_pinned", "migrate+pin-migrate-store-dma", "op", 4),
    ("coherent", "migrates_what_is_pinned", "migrate+file-pin-migrate-store-dma", "op", 4),
    ("no-lost-write", "migrates_what_is_pinned", "migrate+file-pin-migrate-store-dma", "op", 8),
    ("rmap-after-flush", "migrates_without_a_flush", "migrate+store", "step", 14),
    ("no-lost-write", "migrates_without_a_flush", "migrate+store", "step", 20),
    ("tracked", "migration_restores_writable", "migrate+uffd-wp-migrate+store", "op", 7),
    (
        *("exclusive-once", "fork_keeps_migrating_pages_exclusive"),
        *("migrate+fork+child-stores", "step", 23),
    ),
    ("coherent", "moves_pinned_huge_pages", "thp+pin-migrate-store-dma", "op", 5),
    (
        *("exclusive-once", "fork_keeps_migrating_pages_exclusive"),
        *("thp+migrate+fork-store", "step", 25),
    ),
    ("clean-if-unwritten", "linux-6.1", "migrate+clear-migrate-store", "op", 5),
    ("counts", "splits_without_references", "thp+munmap-part-load", "op", 5),
    ("private", "reuses_huge_pages_always", "thp+fork+parent-writes", "op", 6),
    ("coherent", "collapses_what_is_pinned", "thp+pin-collapse", "op", 4),
    ("coherent", "shares_pinned_huge_pages", "thp+pin-fork-write-dma", "op", 6),
    ("coherent", "fork_tells_of_one_page", "thp+kvm-write+fork-load-load", "op", 6),
    ("no-stale-tlb", "changes_huge_pages_without_a_flush", "thp+mprotect+store", "step", 12),
    ("coherent", "linux-6.0-flushes-by-broadcast", "thp+gup-fast-pin+collapse-store", "step", 22),
    (
        "no-use-after-free",
        "linux-6.0-flushes-by-broadcast",
        "thp+gup-fast-pin+collapse-store",
        "step",
        19,
    ),
    ("private", "linux-5.7", "thp+fork+child-splits+parent-writes", "step", 25),
]


def explored(kernel: str, test: str, grain: str):
    file = KERNELS / f"{kernel}.py"
    return explore(link(file if file.exists() else kernel), TESTS[test].program, grain)


@pytest.mark.parametrize(("name", "kernel", "test", "grain", "steps"), CAUGHT)
def test_a_broken_kernel_is_caught(name, kernel, test, grain, steps):
    result = explored(kernel, test, grain)
    assert name in result.breaches
    assert len(result.breaches[name].steps) == steps


@pytest.mark.parametrize(("test", "grain"), sorted({(c[2], c[3]) for c in CAUGHT}))
def test_mainline_keeps_every_promise_on_the_same_tests(test, grain):
    assert explored("mainline", test, grain).breaches == {}


def test_every_promise_has_a_kernel_that_breaks_it():
    assert {p.name for p in promises(link("mainline"))} == {c[0] for c in CAUGHT}


def test_every_sabotaged_kernel_is_used():
    assert {f.stem for f in KERNELS.glob("*.py")} <= {c[1] for c in CAUGHT}


def test_a_budget_that_ends_says_unknown():
    budget = Budget(states=20)
    entry = TESTS["gup+pin-unpin+fork-store"]
    result = explore(link("mainline"), entry.program, "step", budget)
    assert result.verdict.value == "Unknown"
