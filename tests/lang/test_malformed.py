"""Wrong tasks, statements and conditions: the message, the place and the hint, all three.

In each text an @ stands before the place that the error must point at (`fails` in conftest.py).
"""

import pytest

from pagefault.errors import LitmusError
from pagefault.lang import parse

HEADER = '+++\ntitle = "t"\nsource = "s"\n+++\n'
TASK = "process P {\n    A = mmap(anon, private, rw)\n    r0 = A[0]\n}\n"
ASK = "exists (P:r0 = 1)\n"
PIN = "write h = pin(A, read|write[, longterm][, slow])"
_MMAP = "anon, private|droppable[, locked][, populate], r|rw|none"
MMAP = f"write A = mmap({_MMAP}) or mmap(A, {_MMAP})"


STATEMENTS = {
    "unknown verb": ("@mprotec(A, r)", "there is no verb mprotec", "did you mean mprotect?"),
    "an access as a call": (
        "@user_load(A)",
        "there is no verb user_load",
        "write r0 = A[1]",
    ),
    "no such register": ("@r8 = A[0]", "r8 is no register", "registers are r0 to r7"),
    "no such register stored": ("A[0] = @r9", "r9 is no register", "registers are r0 to r7"),
    "a result needs a register": (
        "@x = munmap(A)",
        "x is no register",
        "registers are r0 to r7",
    ),
    "register never set": ("A[0] = @r1", "P never sets r1", "P sets no register"),
    "page never mapped": (
        "munmap(@C)",
        "page C is never mapped",
        "map it first: C = mmap(anon, private, rw)",
    ),
    "page misspelt": (
        "Buffer = mmap(anon, private, rw)\n    munmap(@Bufer)",
        "page Bufer is never mapped",
        "did you mean Buffer?",
    ),
    "range backwards": (
        "munmap(@B..A)",
        "B..A runs backwards",
        "the text maps the pages in the order A, B",
    ),
    "pin never taken": (
        "unpin(@h)",
        "pin h is never taken",
        "take it first: h = pin(A, write)",
    ),
    "pipe never filled": (
        "r0 = read(@p)",
        "nobody puts a page into pipe p",
        "put a page into it first: vmsplice(A, p)",
    ),
    "cell too big": ("A[@4] = 1", "there is no cell 4", "a page has cells 0 to 3"),
    "cell negative": ("A[@-1] = 1", "there is no cell -1", "a page has cells 0 to 3"),
    "cell huge": (
        f"A[@{'9' * 400}] = 1",
        "there is no cell 99999999999999999...",
        "a page has cells 0 to 3",
    ),
    "value too big": (
        "A[0] = @128",
        "128 does not fit in a cell",
        "values are 0 to 127; a register with an error equals its name: EFAULT",
    ),
    "load without register": (
        "@A[0]",
        "what shall become of A[0]?",
        "load it into a register: r0 = A[0]",
    ),
    "copy between cells": (
        "A[0] = @B[0]",
        "a number or a register is wanted here",
        "load it first: r0 = B[0]",
    ),
    "load of a page": (
        "r0 = @A",
        "a register takes what a load or a call returns",
        "r0 = A[0] loads cell 0 of page A",
    ),
    "number into register": (
        "r0 = @1",
        "a register takes what a load or a call returns",
        "r0 = A[0] loads; A[0] = 1 stores",
    ),
    "store to a page": ("@A = 1", "which cell of page A?", "A[0] = 1 stores"),
    "unknown word": ("mprotect(A, @rx)", "mprotect takes no argument rx here", "did you mean r?"),
    "word of another verb": (
        "h = get(A, read, @longterm)",
        "get takes no longterm",
        "write h = get(A, read|write[, slow])",
    ),
    "word missing": (
        "@mprotect(A)",
        "mprotect does not say r, rw or none",
        "write mprotect(A, r|rw|none)",
    ),
    "required word missing": ("C = @mmap(private, rw)", "mmap does not say anon", MMAP),
    "mmap of nothing": ("@mmap(anon, private, rw)", "mmap lacks its pages", MMAP),
    "words exclude each other": (
        "h = pin(A, read, @write)",
        "read and write exclude each other",
        "take read or write",
    ),
    "word twice": ("h = pin(A, read, slow, @slow)", "slow is said twice", PIN),
    "shared memory": ("C = mmap(anon, @shared, rw)", "mmap takes no shared", MMAP),
    "pin without name": ("@pin(A, read)", "the pin needs a name", PIN),
    "pin into register": ("@r0 = pin(A, read)", "pin gives a name, not a value", PIN),
    "two pins at once": ("g, @h = pin(A, read)", "pin takes one pin", PIN),
    "pin taken twice": (
        "h = pin(A, read)\n    @h = pin(B, read)",
        "pin h is taken twice",
        "give each pin a name of its own",
    ),
    "pin of a range": ("h = pin(@A..B, read)", "pin takes one page", PIN),
    "pin as a page": (
        "h = pin(A, read)\n    munmap(@h)",
        "h is a pin, not a page",
        "the pages are A and B",
    ),
    "load of a pin": (
        "h = pin(A, read)\n    r0 = @h[1]",
        "h is a pin, not a page",
        "write r0 = dma_read(h[1])",
    ),
    "store to a pin": (
        "h = pin(A, write)\n    @h[1] = 5",
        "h is a pin, not a page",
        "write dma_write(h[1], 5)",
    ),
    "load of a pipe": (
        "vmsplice(A, p)\n    r0 = @p[1]",
        "p is a pipe, not a page",
        "write r0 = read(p[1])",
    ),
    "one name for two things": (
        "h = pin(A, read)\n    vmsplice(A, @h)",
        "h is a pin and a pipe",
        "choose another name",
    ),
    "a cell for a page": (
        "mprotect(@A[0], r)",
        "the name of a page is wanted here",
        "it is about the whole page: write A",
    ),
    "a page for a cell": (
        "r0 = process_vm_readv(P, @A)",
        "a cell of a page is wanted here",
        "A[0] is cell 0 of page A",
    ),
    "argument missing": (
        "r0 = @process_vm_readv(P)",
        "process_vm_readv lacks its cell",
        "write r0 = process_vm_readv(P, A[1])",
    ),
    "argument too many": (
        "munmap(A, @3)",
        "munmap takes no argument 3 here",
        "write munmap(A)",
    ),
    "no result": ("@r0 = exit()", "exit returns nothing", "write exit()"),
    "two results": ("r0, @r1 = munmap(A)", "munmap sets one register", "write munmap(A)"),
    "several names for a load": (
        "r0, @r1 = A[0]",
        "only mmap and mremap give several names at once",
        "A, B = mmap(anon, private, rw)",
    ),
    "result into a cell": (
        "@A[0] = munmap(B)",
        "the result of a call goes into a register first",
        "write r0 = munmap(...), then A[0] = r0",
    ),
    "after exit": (
        "exit()\n    @A[0] = 1",
        "this statement never runs: exit() comes before it",
        "put exit() last",
    ),
    "reserved word": (
        "@read = mmap(anon, private, rw)",
        "read can't name a page: it is a word of the language",
        "choose another name",
    ),
    "mapped twice": (
        "@A = mmap(anon, private, rw)",
        "page A is mapped twice",
        "write mmap(A, ...) to map over A again",
    ),
    "moved onto another": (
        "@B = mremap(A)",
        "page B is mapped twice",
        "pages move to a name that is new in this address space",
    ),
    "moved to too few": (
        "@C = mremap(A..B)",
        "2 pages and 1 new names",
        "give as many names as pages move: X, Y = mremap(A..B)",
    ),
    "moved nowhere": ("@mremap(A)", "the page needs a name", "write X = mremap(A)"),
    "too many pages": (
        "C,D,E,F,G,X,@Y = mmap(anon, private, rw)",
        "Y is one page too many: there are at most 8",
        "the pages so far are A, B, C, D, E, F, G and X",
    ),
    "too many pins": (
        "\n".join(f"{name} = pin(A, read)" for name in ("a", "b", "c", "d", "@e")),
        "e is one pin too many: there are at most 4",
        "the pins so far are a, b, c and d",
    ),
    "too many pipes": (
        "vmsplice(A, p); vmsplice(A, q); vmsplice(A, @s)",
        "s is one pipe too many: there are at most 2",
        "the pipes so far are p and q",
    ),
    "too many statements": (
        "A[0] = 1;" * 15 + "@A[0] = 1",
        "P has 17 statements; at most 16 are allowed",
        "a shorter program has fewer interleavings and a clearer trace",
    ),
    "unknown task": ("fork(@C)", "there is no task C", "the tasks are P"),
    "waits for itself": ("wait(@P)", "P waits for itself", "write wait(C)"),
    "unknown process": (
        "r0 = process_vm_readv(@Q, A[0])",
        "there is no task Q",
        "the tasks are P",
    ),
    "open parenthesis": (
        "mprotect(A, r@",
        "unexpected end of the line",
        "close the parenthesis: a statement stands on one line",
    ),
    "pointer": (
        "A[0] = @&B",
        "unexpected character '&'",
        "there are no pointers: the name of a page is its address; and is written /\\",
    ),
    "no number": (
        "A[@x] = 1",
        "unexpected 'x'",
        "expected a number",
    ),
    "not ASCII": ("@é = 1", "unexpected character 'é'", None),
    "NUL": (
        "A[0] = @\0 1",
        "control character U+0000",
        "a litmus file is plain UTF-8 text; save it again as such",
    ),
    "escape": (
        "# @\x1b[31m",
        "control character U+001B",
        "a litmus file is plain UTF-8 text; save it again as such",
    ),
}


@pytest.mark.parametrize("case", STATEMENTS)
def test_statement(fails, around, case):
    text, message, hint = STATEMENTS[case]
    fails(around(text), message, hint)


CONDITIONS = {
    "two equals signs": (
        "exists (P:r0 =@= 1)",
        "unexpected '='",
        "a condition compares with one =",
    ),
    "ampersands": (
        "exists (P:r0 = 1 @&& P:r0 = 2)",
        "unexpected character '&'",
        "there are no pointers: the name of a page is its address; and is written /\\",
    ),
    "less than": (
        "exists (P:r0 @< 1)",
        "unexpected character '<'",
        "a condition compares with = and != only",
    ),
    "no parentheses": (
        "exists P@:r0 = 1",
        "unexpected ':'",
        "a condition stands in parentheses: exists (P:r0 = 1)",
    ),
    "never closed": (
        "exists @(P:r0 = 1 or (P:r0 = 2)",
        "this parenthesis is never closed",
        "close it with )",
    ),
    "closed too often": (
        "exists (P:r0 = 1)@)",
        "unexpected ')'",
        "there are more ) than (",
    ),
    "empty": ("exists (@)", "unexpected ')'", "expected `(`, a name, `not` or `~`"),
    "unknown quantifier": (
        "@exist (P:r0 = 1)",
        "exist is no quantifier",
        "did you mean exists?",
    ),
    "no such quantifier": (
        "@~forall (P:r0 = 1)",
        "~forall is no quantifier",
        "did you mean forall?",
    ),
    "two conditions": (
        "exists (P:r0 = 1)\n@forall (P:r0 = 1)",
        "there are two conditions",
        "ask one question in a file; /\\ and \\/ join what belongs together",
    ),
    "unknown task": ("exists (@Q:r0 = 1)", "there is no task Q", "the tasks are P"),
    "number of a task": ("exists (@1:r0 = 1)", "unexpected '1'", "tasks have names: P:r0"),
    "register never set": ("exists (P:@r1 = 1)", "P never sets r1", "P sets r0"),
    "no such register": ("exists (P:@r8 = 1)", "r8 is no register", "registers are r0 to r7"),
    "page never mapped": (
        "exists (P:@B[0] = 1)",
        "page B is never mapped",
        "map it first: B = mmap(anon, private, rw)",
    ),
    "cell": ("exists (P:A[@9] = 1)", "there is no cell 9", "a page has cells 0 to 3"),
    "a page": ("exists (P:@A = 1)", "which cell of page A?", "A[0] is cell 0"),
    "nothing": (
        "exists (P:@x = 1)",
        "P:x can't be observed",
        "a condition sees registers (P:r0), cells (P:A[0]) and P:signal",
    ),
    "signal misspelt": (
        "exists (P:signal = @SIGSEG)",
        "SIGSEG is no value that this can have",
        "did you mean SIGSEGV?",
    ),
    "signal number": (
        "exists (P:signal = @11)",
        "11 names no signal",
        "write SIGSEGV, SIGBUS or SIGKILL, or 0 for none",
    ),
    "errno misspelt": (
        "exists (P:r0 = @EFALT)",
        "EFALT is no value that this can have",
        "did you mean EFAULT?",
    ),
    "errno in a cell": (
        "exists (P:A[0] = @EFAULT)",
        "EFAULT is no value that this can have",
        "compare it with a number",
    ),
    "negative errno": (
        "exists (P:r0 = @-14)",
        "-14 does not fit in a cell",
        "values are 0 to 127; a register with an error equals its name: EFAULT",
    ),
    "too deep": (
        "@exists (" + "~(" * 40 + "P:r0 = 1" + ")" * 41,
        "the condition nests deeper than 32 operators",
        "ask a simpler question, or several in several files",
    ),
    "far too deep": (
        "@exists (\n" + "~(~(~(~(\n" * 2000 + "P:r0 = 1" + "))))\n" * 2000 + ")",
        "the condition nests deeper than 32 operators",
        "ask a simpler question, or several in several files",
    ),
    "missing": (
        "",
        "there is no condition",
        "end with a question about the final state: exists (P:r0 = 1)",
    ),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_condition(fails, case):
    text, message, hint = CONDITIONS[case]
    fails(HEADER + TASK + text + "\n", message, hint)


TASKS = {
    "no task": ("", "there is no task", "write process P { ... } after the header"),
    "unknown kind": (
        "@proces P {\n}\n",
        "proces is no kind of task",
        "did you mean process?",
    ),
    "no name": (
        "process @{\n}\n",
        "unexpected '{'",
        "a process needs a name: process P { ... }",
    ),
    "herd's initial state": (
        "@{ A = 1 }\n",
        "unexpected '{'",
        "a block starts with its kind and name: process P { ... }",
    ),
    "statement outside": (
        "A @= mmap(anon, private, rw)\n",
        "unexpected '='",
        "statements stand in a block: process P { ... }",
    ),
    "never closed before the condition": (
        "process P @{\n    r0 = munmap(A)\n",
        "this block is never closed",
        "close it with }",
    ),
    "never closed before a block": (
        "process P @{\n    exit()\nprocess Q {\n}\n",
        "this block is never closed",
        "close it with }",
    ),
    "two of a name": (
        TASK + "device @P { }\n",
        "there are two tasks P",
        "choose another name",
    ),
    "a reserved name": (
        "process @fork { }\n",
        "fork can't name a task: it is a word of the language",
        "choose another name",
    ),
    "a register's name": (
        "process @r12 { }\n",
        "r12 can't name a task: it is a register",
        "choose another name",
    ),
    "a page with a task's name": (
        "process P { @P = mmap(anon, private, rw) }\n",
        "P is a process and a page",
        "choose another name",
    ),
    "on what": (
        "process P @in cpu 1 { }\n",
        "unexpected 'in'",
        "write process P on cpu 1 { ... }",
    ),
    "no such CPU": ("process P on cpu @4 { }\n", "there is no CPU 4", "CPUs are 0 to 3"),
    "device on a CPU": (
        "device D @on cpu 1 { }\n",
        "device D runs on no CPU",
        "leave out `on cpu`",
    ),
    "device that stores": (
        TASK + "device D { @A[0] = 1 }\n",
        (
            "device D can't do this: a device does only dma_read, dma_write, "
            "enter, leave, mirror_read, mirror_write, mirror_has and mirror_drop"
        ),
        "write it in a process or a thread",
    ),
    "thread that nobody clones": (
        TASK + "thread @T { }\n",
        "nobody clones thread T",
        "write clone(T) in the process that it belongs to",
    ),
    "forked twice": (
        "process P { fork(C); fork(@C) }\nprocess C { }\n",
        "C is forked twice",
        "each process starts once; write a second block for a second one",
    ),
    "cloned twice": (
        "process P { clone(T) }\nprocess Q { clone(@T) }\nthread T { }\n",
        "T is cloned twice",
        "each thread starts once; write a second block for a second one",
    ),
    "circle": (
        "process @P { fork(C) }\nprocess C { fork(P) }\n",
        "P never starts: P <- C <- P",
        "a task that somebody forks or clones waits for that; break the circle",
    ),
    "fork of a thread": (
        "process P { fork(@T) }\nthread T { }\n",
        "T is a thread, not a process",
        "clone(T) starts it; its memory is that of its process",
    ),
    "clone of a process": (
        "process P { clone(@C) }\nprocess C { }\n",
        "C is a process, not a thread",
        "fork(C) starts it, in an address space of its own",
    ),
    "fork of a device": (
        "process P { fork(@D) }\ndevice D { }\n",
        "D is a device, not a process",
        "a device is there from the start and has no memory of its own",
    ),
    "memory of a thread": (
        (
            "process P { A = mmap(anon, private, rw); clone(T)\n"
            "r0 = process_vm_readv(@T, A[0]) }\nthread T { }\n"
        ),
        "T is a thread, not a process",
        "clone(T) starts it; its memory is that of its process",
    ),
    "waits for another's child": (
        "process P { fork(C) }\nprocess C { }\nprocess Q { wait(@C) }\n",
        "Q does not fork C",
        "a task waits for its own children: write fork(C) before it",
    ),
    "waits before the fork": (
        "process P { wait(@C); fork(C) }\nprocess C { }\n",
        "P forks C only later",
        "put fork(C) before wait(C)",
    ),
    "waits for ever": (
        "process P { fork(C); wait(@C) }\nprocess C { }\n",
        "C never exits",
        "put exit() at the end of C; without it a task stays, with its memory",
    ),
    "pages that do not adjoin": (
        (
            "process P { A, B = mmap(anon, private, rw) }\n"
            "process Q { B, @A = mmap(anon, private, rw) }\n"
        ),
        "A does not lie behind B",
        "the text maps the pages in the order A, B",
    ),
    "mapped by a thread again": (
        (
            "process P { A = mmap(anon, private, rw); clone(T) }\n"
            "thread T { @A = mmap(anon, private, rw) }\n"
        ),
        "page A is mapped twice",
        "write mmap(A, ...) to map over A again",
    ),
    "too many tasks": (
        "".join(f"device {name} {{ }}\n" for name in ("a", "b", "c", "d", "e", "f", "@g")),
        "g is one task too many: there are at most 6",
        None,
    ),
    "too many processes": (
        "".join(f"process {name} {{ }}\n" for name in ("a", "b", "c", "d", "@e")),
        "e is one process too many: there are at most 4",
        "a thread shares the address space of the task that clones it",
    ),
    "no free CPU": (
        (
            "process a { clone(t) }\nprocess b on cpu 2 { }\nprocess c { }\n"
            "process d { }\nthread @t { }\n"
        ),
        "t finds no free CPU: there are 4",
        "bind two tasks to one: thread t on cpu 0 { ... }",
    ),
    "register of a device": (
        TASK + "device D { }\nexists (D:@r0 = 1)\n",
        "D never sets r0",
        "D sets no register",
    ),
    "memory of a device": (
        TASK + "device D { }\nexists (D:@A[0] = 1)\n",
        "device D has no memory of its own",
        "name a process: P:A[0] is what P would load",
    ),
    "signal of a device": (
        TASK + "device D { }\nexists (D:@signal = 0)\n",
        "device D gets no signals",
        "only a device's registers",
    ),
}


@pytest.mark.parametrize("case", TASKS)
def test_tasks(fails, case):
    text, message, hint = TASKS[case]
    fails(HEADER + text + ("" if "exists" in text else ASK), message, hint)


def test_a_lone_surrogate_does_not_break_the_message(around):
    with pytest.raises(LitmusError) as caught:
        parse(around("\udc80"))
    assert str(caught.value).encode()


def test_an_error_without_a_file_shows_line_and_column(around):
    with pytest.raises(LitmusError) as caught:
        parse(around("zzz(A)"))
    assert str(caught.value).startswith("7:5: error: there is no verb zzz\n      zzz(A)\n      ^\n")
