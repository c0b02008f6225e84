"""Emitted functions do what the generators do: random paths, random schedules, random choices."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, note, reject, settings
from hypothesis import strategies as hyp
from link_models import make_model
from original import all_running, duel

from pagefault.consts import BUG_FRAME_OVERFLOW
from pagefault.errors import ModelError
from pagefault.explore.lower import CONSTANT, Lowered, LoweredStatement, LoweredTask
from pagefault.link import Kernel

Below = Callable[[int], int]
"""`below(n)` draws one of 0..n-1."""

HEADER = """
def put(st, i, value):
    st.private[i] = value % 5
    return st.private[i]


def pick(st, a):
    if a > 2:
        return choose(st, 3)
    for i in range(a):
        if st.private[i] == a:
            return i
    return choose(st, 2) + 1


"""


class Writer:
    """Writes random paths: locals a to f (some named as the linker names its own), state, calls."""

    LOCALS = ("a", "b", "frame", "pc", "reg", "task")

    def __init__(self, below: Below) -> None:
        self.below = below
        self.lines: list[str] = []

    def one(self, *options: str) -> str:
        return options[self.below(len(options))]

    def local(self) -> str:
        return self.one(*self.LOCALS)

    def value(self, deep: int = 0) -> str:
        k = self.below(6 if deep < 2 else 3)
        if k == 0:
            return str(self.below(4))
        if k in (1, 2):
            return self.one(*self.LOCALS, "n")
        if k == 3:
            return f"st.private[{self.below(4)}]"
        if k == 4:
            return f"({self.value(deep + 1)} {self.one('+', '-', '^')} {self.value(deep + 1)}) % 7"
        return self.one(
            f"pick(st, {self.value(deep + 1)})",
            f"put(st, {self.below(4)}, {self.value(deep + 1)})",
            f"({self.value(2)} if {self.test()} else {self.value(2)})",
        )

    def test(self) -> str:
        return self.one(
            f"{self.value(2)} {self.one('<', '==', '!=')} {self.value(2)}",
            f"not {self.value(2)}",
            f"{self.value(2)} and {self.value(2)}",
        )

    def put(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def path(self, k: int, paths: int) -> None:
        self.k, self.paths = k, paths
        self.labels = 0
        self.put(0, f"def path{k}(st, t, n):")
        if self.below(3) == 0:
            self.put(1, f"while st.private[{self.below(4)}] > 3:")
            self.put(2, "yield BLOCKED")
        self.put(1, " = ".join([*self.LOCALS, "0"]))
        self.body(1, loops=0)
        self.switch(1)
        self.put(1, f"return {self.value()}")
        self.lines += ["", ""]

    def switch(self, depth: int) -> None:
        self.labels += 1
        self.put(depth, f'yield "label {self.labels}"')
        if self.below(4) == 0:
            self.put(depth, f"while st.private[{self.below(4)}] == {self.below(5)}:")
            self.put(depth + 1, f"yield {self.one('BLOCKED', 'WAITING')}")

    def body(self, depth: int, loops: int) -> None:
        for _ in range(1 + self.below(4)):
            self.statement(depth, loops)

    def statement(self, depth: int, loops: int) -> None:
        k = self.below(12 if depth < 5 else 6)
        if k <= 1:
            self.put(depth, f"{self.local()} = {self.value()}")
        elif k == 2:
            self.put(depth, f"{self.local()} += {self.below(3)}")
        elif k == 3:
            self.put(depth, f"st.private[{self.below(4)}] = {self.value()} % 5")
        elif k == 4:
            self.switch(depth)
        elif k == 5:
            self.leave(depth, loops)
        elif k in (6, 7):
            self.put(depth, f"if {self.test()}:")
            self.body(depth + 1, loops)
            if self.below(2):
                self.put(depth, "else:")
                self.body(depth + 1, loops)
        elif k == 8:
            self.for_loop(depth, loops)
        elif k == 9:
            # a loop that ends: its counter is a name that nothing else assigns
            self.put(depth, f"w{depth} = {self.below(4)}")
            self.put(depth, f"while w{depth} > 0:")
            self.put(depth + 1, f"w{depth} -= 1")
            self.body(depth + 1, loops + 1)
        else:
            self.call(depth)

    def for_loop(self, depth: int, loops: int) -> None:
        bounds = self.one(
            str(self.below(4)),
            f"{self.below(2)}, {self.one('n', 'a', 'pick(st, b)', 'a + 1')}",
            f"{self.below(5)}, {self.value(2)}, -1",
            f"0, {self.below(6)}, 2",
        )
        self.put(depth, f"for {self.one('a', 'b', 'i')} in range({bounds}):")
        self.body(depth + 1, loops + 1)

    def leave(self, depth: int, loops: int) -> None:
        """A jump out, under a condition that may fail so that the rest is not dead."""
        options = [f"return {self.value()}"]
        if loops:
            options += ["break", "continue"] * 2
        self.put(depth, f"if {self.test()}:")
        self.put(depth + 1, self.one(*options))

    def call(self, depth: int) -> None:
        callee = self.below(self.paths)
        argument = f"min(n, {self.value()})"
        if callee <= self.k:  # recursion ends: the argument never grows, and falls on the way back
            self.put(depth, "if n > 0:")
            depth += 1
            argument = self.one("n - 1", "0")
        call = f"yield from path{callee}(st, t, {argument})"
        k = self.below(4)
        if k == 0 and callee <= self.k:
            self.put(depth, f"return ({call})")
        elif k == 1:
            self.put(depth, call)
        else:
            self.put(depth, f"{self.local()} = {call}")


def program(kernel: Kernel, below: Below, paths: int) -> Lowered:
    """Three tasks that run these paths."""
    tasks = []
    for t in range(3):
        statements = tuple(
            LoweredStatement(
                path=kernel.path(f"path{below(paths)}").id,
                function=None,
                operands=((CONSTANT, below(4)) if below(2) else (t, below(2)),),
                dest=below(3) - 1,
                text="",
            )
            for _ in range(1 + below(2))
        )
        tasks.append(LoweredTask(f"P{t}", t, t, False, statements))
    return Lowered(None, tuple(tasks))  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(hyp.data())
def test_emitted_functions_do_what_the_generators_do(data: hyp.DataObject) -> None:
    def below(n: int) -> int:
        return data.draw(hyp.integers(0, n - 1))

    writer = Writer(below)
    paths = 1 + below(3)
    for k in range(paths):
        writer.path(k, paths)
    text = HEADER + "\n".join(writer.lines)
    note(text)
    with tempfile.TemporaryDirectory() as folder:
        try:
            kernel = make_model(Path(folder), text).link()
        except ModelError as error:
            if "registers" not in error.message:
                raise
            reject()
        duel(kernel, program(kernel, below, paths), lambda: all_running(3), schedules=4, limit=80)


def test_frame_overflow_is_a_bug_of_the_state(model):
    kernel = model("""
        def deeper(st, t, n):
            yield from deeper(st, t, n + 1)
    """).link()
    st = all_running(1)
    task = st.task[0]
    task.depth = 1
    task.frame[0].path = kernel.path("deeper").id
    for _ in range(20):
        kernel.path("deeper").step(st, 0)
    assert st.bug == BUG_FRAME_OVERFLOW
    assert task.depth == len(task.frame)
