"""Each design of the catalogue is told from its neighbours by a test."""

from __future__ import annotations

from importlib import import_module

import pytest

from pagefault.explore.search import explore
from pagefault.lang import select
from pagefault.link import designs, link

# Two designs, a test and a grain that tell them apart.
TOLD_APART = [
    ("linux-5.7", "linux-5.8", "cow+vmsplice-in-child-unmap+parent-writes", "op"),
    ("linux-5.8", "linux-5.9-rc4", "cow+vmsplice-fork-unmap+child-writes", "op"),
    ("linux-5.9-rc4", "linux-5.9", "gup+pin-fork-write-dma", "op"),
    ("linux-5.9", "linux-5.10", "fork+gup-fast-pin+store-dma", "step"),
    ("linux-5.10", "linux-5.18", "swap+pageout-fork-vmsplice-in-child-unmap+parent-writes", "op"),
    ("linux-5.18", "linux-5.19", "gup+pin-mprotect-write-dma", "op"),
    ("linux-5.19", "linux-6.1", "migrate+clear-migrate-store", "op"),
    ("linux-5.7", "linux-5.7-ksm-of-4.12", "ksm+store-load+free+clear+merge", "step"),
    (
        *("linux-5.7", "linux-5.7-huge-pages-of-4.14"),
        *("thp+fork-proc_mem_write+dontneed-proc_mem_read+child-loads", "step"),
    ),
    ("linux-6.0-weakly-ordered", "linux-6.1", "ksm+gup-fast-pin+store-dma", "step"),
    ("linux-6.1", "mainline", "gup+longterm-zero-page-write-dma", "op"),
    ("mainline", "gup-drops-foll-write", "file+proc_mem_write+dontneed", "step"),
    ("mainline", "zap-removes-rmap-before-the-flush", "file+munmap-pread+store+fsync", "step"),
    ("mainline", "longterm-writes-to-files", "file+longterm-pin-shared-regular", "op"),
    ("mainline", "mremap-flushes-without-the-ptl", "file+mremap+truncate+store", "step"),
    ("linux-6.1", "linux-6.4", "file+munmap-pread+store+fsync", "step"),
    ("linux-6.4", "linux-6.5", "gup+o_direct-fork-store-dma-write", "op"),
    ("linux-6.4", "mainline", "fork+copying-thread+stale-store-load", "step"),
    ("linux-6.5", "mainline", "swap+pageout-load+load-store-pageout", "step"),
    ("linux-5.10", "linux-5.10-kvm-by-hmm", "notifier+mprotect-store+kvm-read-has", "step"),
    (
        *("linux-5.10", "linux-5.10-kvm-keeps-references"),
        *("notifier+kvm-mprotect-read-store-has", "op"),
    ),
    ("linux-5.10", "linux-5.10-user-map-gup-blocks", "usermap+pin-munmap-unpin", "op"),
    (
        *("linux-5.10-user-map-gup-blocks", "linux-5.10-user-map-notifier-blocks"),
        *("usermap+pin-munmap-unpin", "op"),
    ),
    (
        *("linux-5.10-user-map-gup-blocks", "linux-5.10-user-map-gup-retries"),
        *("usermap+pin-munmap-unpin", "op"),
    ),
    (
        *("linux-5.10-user-map-notifier-blocks", "linux-5.10-user-map-notifier-retries"),
        *("usermap+munmap+enter-write-put", "op"),
    ),
    ("linux-6.18", "mainline", "tlb+mprotect-mremap-two-vmas", "op"),
    (
        *("linux-6.0-flushes-by-broadcast", "linux-6.1"),
        *("thp+gup-fast-pin+collapse-store", "step"),
    ),
    ("fences-need-memory", "mainline", "usermap+reap+enter-read-leave", "op"),
    ("fences-need-memory", "fences-reclaim", "usermap+enter-read-leave+store", "op"),
    ("fences-need-memory", "oom-reaper-waits-for-fences", "usermap+reap+enter-read-leave", "op"),
    ("hugetlb", "mainline", "cow+vmsplice-in-child-unmap+parent-writes", "op"),
    ("gup-always-writes", "mainline", "cow+fork-vmsplice-write-read", "op"),
    ("gup-always-writes", "linus-december-2021", "cow+fork-vmsplice-write-read", "op"),
    ("gup-always-writes", "linux-5.8", "cow+get-fork-unmap+child-writes", "op"),
    ("linus-december-2021", "linux-5.10", "gup+pin-mprotect-write-dma", "op"),
    ("linus-december-2021", "mainline", "gup+short-zero-page-write-dma", "op"),
    ("linus-december-2021", "mainline", "gup+pin-unpin+fork-store", "step"),
    ("andrea-cor", "mainline", "cow+get-fork-unmap+child-writes", "op"),
    ("andrea-cor", "andrea-cor-anon", "gup+longterm-zero-page-write-dma", "op"),
    ("andrea-cor-anon", "andrea-privileged-vmsplice", "gup+fork-pin-read-write-dma", "op"),
    ("andrea-privileged-vmsplice", "linux-5.7", "gup+pin-fork-write-dma", "op"),
    ("reclaim-flushes-unnoticed", "mainline", "reclaim+mprotect+store+reclaim", "step"),
    ("gathers-ignore-each-other", "mainline", "tlb+dontneed-load+dontneed", "step"),
    ("compaction-isolates-what-is-pinned", "mainline", "migrate+pin-migrate+compact", "step"),
    (
        *("madv-free-asks-who-maps", "mainline"),
        *("reclaim+fork-readv-fork+child-frees-pageout", "op"),
    ),
    (
        *("madv-free-discards-what-is-referenced", "mainline"),
        *("reclaim+free-get-pageout-dma-write", "op"),
    ),
    ("vmalloc-option-2", "mainline", "vmalloc+ring-free-load+store", "op"),
    ("vmalloc-option-1", "vmalloc-option-2", "vmalloc+ring-free-load+store", "op"),
    ("vmalloc-option-1", "vmalloc-pages-have-a-type", "vmalloc+bpf-store-kread-kwrite-load", "op"),
    ("vmalloc-option-3", "mainline", "vmalloc+ring-munmap-half-mremap", "op"),
    ("vmalloc-option-4", "mainline", "vmalloc+ring-munmap-half-mremap", "op"),
    ("vmalloc-option-3-packet", "vmalloc-option-4-packet", "vmalloc+packet-send+close", "step"),
    ("vmalloc-option-3", "vmalloc-option-3-untaught-zap", "vmalloc+bpf-fork-munmap+munmap", "op"),
    ("vmalloc-option-3", "vmalloc-option-3-untaught-fork", "vmalloc+bpf-fork-munmap+munmap", "op"),
    ("vmalloc-option-3", "vmalloc-option-3-untaught-cow", "vmalloc+ring-private-store", "op"),
    (
        "vmalloc-option-3",
        "vmalloc-option-3-untaught-gup",
        "vmalloc+ring-get-munmap-free-dma+store",
        "op",
    ),
    (
        "vmalloc-option-3-no-gup",
        "vmalloc-option-3-untaught-gup-fast",
        "vmalloc+ring-get-munmap-free-dma+store",
        "op",
    ),
    (
        "vmalloc-option-3-gup-fast",
        "vmalloc-option-3-untaught-gup-fast",
        "vmalloc+ring-get-munmap-free-dma+store",
        "op",
    ),
    (
        "vmalloc-option-3",
        "vmalloc-option-3-untaught-migration",
        "vmalloc+bpf-migrate-load",
        "op",
    ),
    (
        "vmalloc-option-3",
        "vmalloc-option-3-untaught-gup-slow",
        "vmalloc+ring-pin-munmap-free-dma+store",
        "op",
    ),
    ("kmem-memdesc", "mainline", "vmalloc+ring-fork-store+child-load", "op"),
    ("kmem-memdesc", "kmem-memdesc-untaught-zap", "vmalloc+bpf-fork-munmap+munmap", "op"),
    ("kmem-memdesc", "kmem-memdesc-untaught-fork", "vmalloc+bpf-fork-munmap+munmap", "op"),
    ("mainline", "pbuf-mmap-takes-no-reference", "vmalloc+ring-mmap+free", "step"),
    ("mainline", "rxe-mmap-takes-no-reference", "vmalloc+rings-mmap+free-realloc-store", "step"),
    ("mainline", "prime-mmap-drops-its-reference", "vmalloc+fb-free-load", "step"),
    ("mainline", "perf-maps-in-advance", "vmalloc+perf-vmsplice-munmap-read", "op"),
    ("mainline", "perf-lets-vmas-split", "vmalloc+perf-munmap-half-load", "op"),
    ("mainline", "perf-maps-after-the-mutex", "vmalloc+perf-mmap+munmap", "step"),
    ("mainline", "perf-close-frees-without-the-mutex", "vmalloc+perf-mmap+munmap", "step"),
    ("mainline", "packet-frees-without-the-lock", "vmalloc+packet-free+free", "step"),
    ("mainline", "pcm-mmap-takes-no-access-counter", "vmalloc+pcm-mmap+realloc", "step"),
    ("mainline", "udlfb-resizes-what-is-mapped", "vmalloc+fb-realloc-load+store", "op"),
    ("mainline", "omapfb-counts-what-it-has-mapped", "vmalloc+fb-mmap+free", "step"),
    ("mainline", "arena-counts-no-forks", "vmalloc+arena-fork-munmap+munmap", "op"),
    ("mainline", "ringbuf-is-writable", "vmalloc+ringbuf-writable", "op"),
    ("mainline", "mmap-leaves-maywrite", "vmalloc+bpf-read-only-mprotect-store", "op"),
    ("mainline", "tracing-counts-no-splits", "vmalloc+packet-split-munmap-munmap", "op"),
    ("mainline", "pbuf-ring-maps-pfns", "vmalloc+ring-free-load+store", "op"),
    ("mainline", "packet-frees-rings-under-skbs", "vmalloc+packet-send+close", "step"),
    # How does the kernel know that a page may be dropped?
    ("pte-dirty-vma", "mainline", "droppable+pin-dma-write-unpin-dirty-pageout", "op"),
    ("pte-dirty-vma", "pte-dirty-vma-but-unmap", "droppable+store-pageout-pageout-swapped", "op"),
    ("pte-dirty-vma", "pte-dirty-vma-but-aging", "droppable+store-reclaim-pageout-swapped", "op"),
    (
        *("pte-dirty-vma", "pte-dirty-vma-but-migration"),
        *("droppable+store-migrate-pageout-swapped", "op"),
    ),
    (
        *("pte-dirty-vma", "pte-dirty-vma-but-gup"),
        *("droppable+free-pin-slow-unpin-pageout-swapped", "op"),
    ),
    (
        *("pte-dirty-vma", "pte-dirty-vma-but-remote-writes"),
        *("droppable+proc_mem-write-pageout-swapped", "op"),
    ),
    (
        *("pte-dirty-vma-but-gup", "pte-dirty-vma-in-gup-by-search-and-replace"),
        *("droppable+proc_mem-write-pageout-swapped", "op"),
    ),
    (
        *("pte-dirty-vma", "droppable-rescued-when-referenced"),
        *("droppable+pin-read-pageout-unpin-pageout-swapped", "op"),
    ),
    ("pte-dirty-vma", "forbid-pins", "droppable+pin-slow-unpin-dirty-pageout", "op"),
    (
        *("forbid-pins", "forbid-pins-in-gup-fast-too"),
        *("droppable+gup-fast-pin-dma-write-unpin-dirty-pageout", "op"),
    ),
    ("droppable-folio-flag", "mainline", "droppable+uffd-move-out-pageout-load", "op"),
    ("droppable-without-the-rest", "mainline", "droppable+fork+child-loads", "op"),
    ("droppable-v22-as-posted", "mainline", "droppable+store-reclaim-pageout-swapped", "op"),
    ("vgetrandom-alloc", "droppable-v22-as-posted", "droppable+store-pageout-load", "op"),
    ("droppable-special-mapping", "mainline", "droppable+load-kpageflags", "op"),
    ("droppable-special-mapping", "droppable-folio-flag", "droppable+uffd-register", "op"),
    ("linux-6.11", "mainline", "droppable+mlockall-future-mmap-pageout-load", "op"),
    ("linux-6.11", "linux-6.17", "droppable+uffd-register", "op"),
    ("linux-6.15", "mainline", "thp+split-fork-exit-write", "op"),
    ("linux-6.15", "linux-6.16", "uprobe+store-pin-register-dma", "op"),
    ("linux-6.16", "linux-6.17", "droppable+uffd-register", "op"),
    ("linux-6.17", "linux-6.18", "droppable+mlockall-future-mmap-pageout-load", "op"),
    ("droppable-signals", "mainline", "droppable+store-pageout-load", "op"),
    ("linux-6.18", "mainline", "droppable+uffd-move-pageout-swapped", "op"),
    ("linux-5.10", "no-memfd-secret", "gup+pin-mprotect-write-dma", "op"),
    ("no-memfd-secret", "mainline", "exclusive+load-beyond", "op"),
    ("secretmem-frees-before-it-restores", "mainline", "exclusive+store+store+mmap-store", "step"),
    ("gup-fast-takes-fresh-secretmem", "mainline", "exclusive+vmsplice", "op"),
    ("gup-fast-ignores-secretmem", "gup-fast-takes-fresh-secretmem", "exclusive+pin-dma", "op"),
    ("gup-ignores-secretmem", "mainline", "exclusive+store-proc_mem_read", "op"),
    ("secretmem-races-truncate", "mainline", "exclusive+load+truncate", "step"),
    ("secretmem-may-grow", "mainline", "exclusive+truncate-store-truncate", "op"),
    ("secretmem-takes-private", "mainline", "exclusive+mmap-private", "op"),
    ("secretmem-never-flushes", "mainline", "exclusive+store+look", "op"),
    ("secretmem-flushes-only-busy-cpus", "secretmem-never-flushes", "exclusive+kvm-read", "op"),
    ("secretmem-frees-unzeroed", "mainline", "exclusive+close-munmap", "op"),
    ("secretmem-zeroes-before-it-restores", "mainline", "exclusive+close-munmap", "op"),
    ("secretmem-is-zeroed-by-its-owner", "mainline", "exclusive+close-munmap", "step"),
    ("hibernates-with-secrets", "mainline", "exclusive+store+look-hibernation", "op"),
    ("build-id-reads-secretmem", "mainline", "exclusive+store+look-build-id", "op"),
    ("move-pages-asks-gup", "mainline", "exclusive+migrate", "op"),
    ("secretmem-is-not-locked", "mainline", "exclusive+memlock-mmap", "op"),
    ("memfd-secret-of-5.14", "linux-5.18", "exclusive+truncate-store-truncate", "op"),
    ("linux-7.2", "linux-6.18", "exclusive+memlock-munmap-mmap", "op"),
    ("memfd-secret-v16", "linux-7.2", "exclusive+memlock-mmap", "op"),
    ("memfd-secret-v16", "exclusive-memory-device", "exclusive+store+look-hibernation", "op"),
    ("exclusive-memory-device", "exclusive-by-pfnmap", "exclusive+store+look-kdump", "op"),
    ("guest-memfd-unmapped", "exclusive-memory-device", "exclusive+close-munmap", "op"),
    ("guest-memfd-unmapped", "guest-memfd-unflushed", "exclusive+store+look", "op"),
    ("mfd-secret-ioctl", "guest-memfd-unmapped", "exclusive+mmap-munmap+look", "op"),
    ("map-exclusive-rfc", "mainline", "exclusive+fork+child-stores", "op"),
    ("map-exclusive-rfc", "map-exclusive-rfc-copied", "exclusive+fork+child-stores", "op"),
    ("map-exclusive-rfc", "map-exclusive-rfc-huge", "exclusive+huge-munmap-mmap-store", "op"),
    ("map-exclusive-rfc", "map-exclusive-special", "exclusive+mprotect-store", "op"),
    (
        *("map-exclusive-special", "map-exclusive-special-copied"),
        *("exclusive+fork-munmap+child-loads", "op"),
    ),
    ("secretmem-moves", "mainline", "exclusive+store+offline", "op"),
    ("kvm-binds-guest-memfd", "mainline", "exclusive+guest", "op"),
    ("exclusive-device-is-for-others", "mainline", "exclusive+may-mmap", "op"),
    (
        *("direct-map-of-two-users", "direct-map-joined-by-one-user"),
        *("exclusive+two-users-close-munmap-look", "op"),
    ),
    (
        *("direct-map-joined-by-a-manager", "direct-map-joined-by-one-user"),
        *("exclusive+two-users-close-munmap-look", "op"),
    ),
    (
        *("direct-map-joined-by-a-manager", "direct-map-joined-later"),
        *("exclusive+two-users-close-munmap+store", "step"),
    ),
    ("direct-map-with-xpfo", "mainline", "exclusive+store-munmap+look", "op"),
    (
        *("direct-map-with-xpfo", "direct-map-with-xpfo-joined-by-one-user"),
        *("exclusive+store-munmap+look", "op"),
    ),
    (
        "direct-map-with-xpfo-joined-by-a-manager",
        "direct-map-with-xpfo-joined-by-one-user",
        *("exclusive+store-munmap+look", "op"),
    ),
    ("rox-joins-when-whole", "rox-joins-for-itself", "exclusive+store+load_text", "op"),
    ("exclusive-by-madvise", "map-exclusive-rfc", "exclusive+madvise-exclusive", "op"),
    (
        *("exclusive-by-madvise", "exclusive-by-madvise-looks-first"),
        *("exclusive+pin-madvise-exclusive-dma", "op"),
    ),
    ("exclusive-by-xpfo", "exclusive-by-xpfo-lazily", "exclusive+store+look", "op"),
    ("exclusive-by-xpfo", "exclusive-by-pkeys", "exclusive+store+look-direct-map", "op"),
    ("exclusive-by-pkeys", "exclusive-by-encryption", "exclusive+clone+thread-loads", "op"),
]


def answer(design: str, test: str, grain: str):
    result = explore(link(design), select([test])[0].program, grain)
    return result.verdict, tuple(sorted(result.breaches))


@pytest.mark.parametrize(("a", "b", "test", "grain"), TOLD_APART)
def test_a_test_tells_them_apart(a, b, test, grain):
    assert answer(a, test, grain) != answer(b, test, grain)


def test_each_design_has_a_neighbour():
    named = {name for a, b, *_ in TOLD_APART for name in (a, b)}
    assert {info.name for info in designs() if not info.is_part} <= named


def test_a_proposal_for_a_release_is_all_of_that_release():
    names = [info.name for info in designs() if info.name.startswith("linux-5.10-")]
    assert names
    for name in names:
        assert set(parts_of("linux-5.10")) < set(parts_of(name)), name


@pytest.mark.parametrize(
    ("variant", "release"), [("linux-7.2", "linux-6.18"), ("linux-5.7-ksm-of-4.12", "linux-5.7")]
)
def test_what_is_told_by_another_release_has_all_of_its_parts(variant, release):
    assert set(parts_of(release)) < set(parts_of(variant))


def parts_of(name: str) -> list[str]:
    return import_module("pagefault.designs." + name.replace("-", "_").replace(".", "_")).PARTS
