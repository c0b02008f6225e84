import pytest

from pagefault.errors import LitmusError
from pagefault.lang import parse

EVERYTHING = r"""+++
title = "Every verb and every kind of argument"
source = "none: it is for the tests of the language"
author = "the tests"
requires = ["userfaultfd", "swap"]
danger = "an oops, where the bug is"
[expect]
"linux-5.10" = { verdict = "Always", grain = "op", breaks = "coherent", by = "a mail", why = "so" }
mainline = [
    { verdict = "Never", grain = "op" },
    { verdict = "Sometimes", grain = "step", breaks = ["private", "counts"] },
]
[expect.design_of_mine]
verdict = "Unknown"
grain = "both"
+++
process P on cpu 0 {                    # one task on each CPU
    A, B, C = mmap(anon, private, rw)
    A[3] = 127
    r0 = A[0]
    B[1] = r0
    r1 = mmap(B..C, anon, private, none)
    mprotect(A..C, r)
    madvise(A, dontneed); reclaim(); reclaim_file(1)
    X = mremap(C)
    h = pin(A, write, longterm, slow)
    fork(Q)
    clone(T); clone(U)
    r2 = wait(Q)
    r3 = munmap(A)
}
process Q {
    g = get(A, read, slow)
    m = mirror(sva)
    d = o_direct(A, write)
    uffd_register(A, missing)
    uffd_copy(A[1], 5)
    r6 = uffd_move(A, B)
    munlockall()
    uffd_wp(A)
    uffd_unprotect(A)
    vmsplice(A, p)
    unpin(h, dirty)
    vgetrandom_alloc(A)
    mseal(A); migrate(A); compact()
    exit()
}
thread T on cpu 0 {
    r0 = read(p)
    ksm()                               // another comment
    r7 = process_vm_readv(Q, A[2])
    clear_refs()
    numa_hint(A..B)
    r7 = pagemap(A, soft_dirty)
    process_vm_writev(Q, A[2], r7)
    reap(Q)
    r3 = parse(A[0])
    r2 = proc_mem_read(Q, A[2])
    proc_mem_write(Q, A[2], 5)
    mlock(A..B, onfault)
    mlockall(current, future)
    r4 = kpagecount(A)
    memlock(2); munlock(A)
}
thread U on cpu 0 {
    mmap_file(A, f, shmem, shared, rw)
    uffd_continue(A)
    r5 = kpageflags(A, anonymous)
    r0 = pread(f[2])
    pwrite(f[3], r0)
    fsync(f); truncate(f, 0)
    mmap_file(A, e, bpf, shared, rw); ioctl(e, discard)
    kwrite(e[1], 2); r5 = kread(e[0])
    drop_cache(f); limit(4); close(f)
    r6 = futex(A, shared)
    r7 = look(Q, A[1], direct_map)
}
process S on cpu 0 {
    kill(P); r0 = copy_to_user(A[1], 3)
    r1 = dump(A[1]); r2 = ptrace_peek(P, A[1])
    r3 = emulate(A[1]); r4 = guest_read(f[1]); guest_write(f[1], 5)
    poison(A); offline(A); load_text(); soft_offline(A); r6 = vmstat(splits)
    receive(f); splice(f[0], p)
    uprobe_register(f[1]); r5 = uprobe_unregister(f[1])
}
device D {
    r0 = dma_read(h)
    dma_write(h[1], r0)
    dma_write(h, 3)
    r1 = mirror_read(m, A[0])
    mirror_write(m, A[1], 4)
    r2 = mirror_has(m, A)
    enter(m, A)
    leave(m, put)
    mirror_drop(m)
}
~exists (
    P:r0 = 1 /\ (P:r1 = EFAULT \/ ~(T:signal = SIGSEGV))
    or not ~P:A[3] != 2 and Q:signal = 0 and (D:r0 = SIGBUS or D:r0 = 5)
)
"""


@pytest.fixture
def everything():
    """A text that uses each part of the language. It makes no sense as a test."""
    return EVERYTHING


@pytest.fixture
def around():
    """Put statements of process P into a whole text; A and B are mapped."""

    def text(*statements, condition="exists (P:A[0] = 1)"):
        lines = "".join(f"    {statement}\n" for statement in statements)
        return (
            '+++\ntitle = "t"\nsource = "s"\n+++\n'
            f"process P {{\n    A, B = mmap(anon, private, rw)\n{lines}}}\n{condition}\n"
        )

    return text


@pytest.fixture
def fails():
    """Check an error of `parse`: message, hint, and the place before which the text has an @."""

    def check(text, message, hint, path="f.litmus"):
        before, at, after = text.partition("@")
        with pytest.raises(LitmusError) as caught:
            parse(before + after, path)
        error = caught.value
        assert error.message == message
        assert error.hint == hint
        if at:
            line = before.count("\n") + 1
            column = len(before) - (before.rfind("\n") + 1) + 1
            assert (error.line, error.column) == (line, column)
            shown_line = (before + after).split("\n")[line - 1]
            assert error.source_line == shown_line.replace("\0", "\ufffd").replace("\x1b", "\ufffd")
            shown = str(error).split("\n")
            assert shown[0] == f"{path}:{line}:{column}: error: {message}"
            assert shown[2].index("^") == column + 1
        return error

    return check
