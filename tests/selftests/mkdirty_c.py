"""The cases of Linux's selftest mkdirty.c (v6.12): dirty is not writable.

Memory may only be read and its page is dirty: a store fails, and the page is as it was. Left out:
the migration of a huge page.
"""

from __future__ import annotations

from case import Case

HUGE = "A, B, C, D = mmap(anon, private, {rights}); madvise(A..D, hugepage); "
STORE = "A[0] = 2; r0 = A[0]"
FAILED = "P:signal != SIGSEGV \\/ P:r0 != 1"
NO_HUGE_PAGE = FAILED + " \\/ P:r1 != 1"

CASES = {
    "mkdirty_c+ptrace-write": Case(
        "mkdirty.c test_ptrace_write",
        f"A = mmap(anon, private, r); r1 = A[0]; proc_mem_write(P, A[0], 1); {STORE}",
        FAILED,
    ),
    "mkdirty_c+ptrace-write-thp": Case(
        "mkdirty.c test_ptrace_write_thp",
        f"{HUGE.format(rights='r')}proc_mem_write(P, A[0], 1); r1 = kpageflags(D, thp); {STORE}",
        NO_HUGE_PAGE,
    ),
    "mkdirty_c+page-migration": Case(
        "mkdirty.c test_page_migration",
        f"A = mmap(anon, private, rw); A[0] = 1; mprotect(A, r); migrate(A); {STORE}",
        FAILED,
    ),
    "mkdirty_c+pte-mapped-thp": Case(
        "mkdirty.c test_pte_mapped_thp",
        f"{HUGE.format(rights='rw')}A[0] = 1; mprotect(A..D, r); r1 = kpageflags(D, thp); "
        f"mprotect(D, rw); {STORE}",
        NO_HUGE_PAGE,
    ),
    "mkdirty_c+uffdio-copy": Case(
        "mkdirty.c test_uffdio_copy",
        f"A = mmap(anon, private, r); uffd_register(A, missing); uffd_copy(A[0], 1); {STORE}",
        FAILED,
    ),
}
