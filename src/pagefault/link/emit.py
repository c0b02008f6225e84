"""Writing linked functions out as ordinary Python.

A plain function stays as it is. A generator becomes a function that runs from `frame.pc` to its
next stop and returns YIELDED, BLOCKED, WAITING, CALLED or RETURNED. The text is the documentation
of what ran, and what is compiled: integers and calls only.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from pagefault.link.check import is_docstring, leaves, local_names
from pagefault.link.flatten import (
    Block,
    Branch,
    Call,
    Graph,
    Guard,
    Jump,
    Return,
    Statement,
    Switch,
    Take,
    flatten,
)
from pagefault.link.live import Registers, allocate
from pagefault.link.source import Function, Symbols

VERSION = 1
"""Of this emitter: part of the hash of all that it writes. Raise it when the output changes."""

STEP = "    "


@dataclass(frozen=True, eq=False)
class Emitted:
    """A function as text, but for its imports, whose names hold hashes."""

    function: Function
    body: str
    constants: dict[str, int]
    calls: frozenset[str]
    """Plain functions that the text calls."""
    paths: frozenset[str]
    """Paths that it calls by number."""


@dataclass(frozen=True, eq=False)
class EmittedPath(Emitted):
    """A path as text, with what the engine and the viewer want to know of it."""

    registers: tuple[str, ...]
    kinds: tuple[str, ...]
    labels: dict[int, str]
    lines: dict[int, int]
    callees: dict[int, str]


def emit(function: Function, symbols: Symbols) -> Emitted:
    """The text of a checked function."""
    if function.is_generator:
        return _PathWriter(function, symbols).run()
    return _PlainWriter(function, symbols).run()


class _Writer:
    """What plain functions and paths have in common: statements, names and lines."""

    def __init__(self, function: Function, symbols: Symbols) -> None:
        self.function = function
        self.symbols = symbols
        self.locals = local_names(function.node)
        self.constants: dict[str, int] = {}
        self.calls: set[str] = set()
        self.lines: list[str] = []

    def put(self, depth: int, text: str) -> None:
        self.lines += [STEP * depth + line for line in text.split("\n")]

    def text(self, node: ast.AST) -> str:
        """Source text of an expression or a simple statement; notes the names in it."""
        for n in ast.walk(node):
            if not isinstance(n, ast.Name) or n.id in self.locals:
                continue
            if n.id in self.symbols.functions:
                self.calls.add(n.id)
            else:
                self.constant(n.id)
        return ast.unparse(node)

    def constant(self, name: str) -> str:
        value = self.symbols.constant(self.function.module, name)
        if value is not None:
            self.constants[name] = value
        return name

    def block(self, body: list[ast.stmt], depth: int) -> None:
        before = len(self.lines)
        for node in body:
            self.statement(node, depth)
        if len(self.lines) == before:
            self.put(depth, "pass")

    def statement(self, node: ast.stmt, depth: int) -> None:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                self.put(depth, f"if {self.text(test)}:")
                self.block(body, depth + 1)
                while len(orelse) == 1 and isinstance(orelse[0], ast.If):
                    inner = orelse[0]
                    self.put(depth, f"elif {self.text(inner.test)}:")
                    self.block(inner.body, depth + 1)
                    orelse = inner.orelse
                if orelse:
                    self.put(depth, "else:")
                    self.block(orelse, depth + 1)
            case ast.While(test=test, body=body):
                self.put(depth, f"while {self.text(test)}:")
                self.block(body, depth + 1)
            case ast.For(target=target, iter=iterator, body=body):
                self.put(depth, f"for {self.text(target)} in {self.text(iterator)}:")
                self.block(body, depth + 1)
            case ast.Return(value=value):
                self.give_back(value, depth)
            case ast.Break() | ast.Continue():
                self.jump(node, depth)
            case ast.Pass():
                pass
            case _:
                if not is_docstring(node):
                    self.put(depth, self.text(node))

    def give_back(self, value: ast.expr | None, depth: int) -> None:
        raise NotImplementedError

    def jump(self, node: ast.Break | ast.Continue, depth: int) -> None:
        self.put(depth, ast.unparse(node))

    def docstring(self) -> None:
        first = self.function.doc.strip().split("\n", 1)[0]
        if first:
            plain = '"' not in first and "\\" not in first
            self.put(1, f'"""{first}"""' if plain else ast.unparse(ast.Constant(first)))


class _PlainWriter(_Writer):
    def run(self) -> Emitted:
        node = self.function.node
        self.gives = any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(node))
        self.put(0, f"def {self.function.name}({', '.join(self.function.params)}):")
        self.docstring()
        self.block(node.body, 1)
        if self.gives and not any(map(leaves, node.body)):
            self.put(1, "return 0")
        return Emitted(
            self.function,
            "\n".join(self.lines) + "\n",
            self.constants,
            frozenset(self.calls),
            frozenset(),
        )

    def give_back(self, value: ast.expr | None, depth: int) -> None:
        if value is None:
            self.put(depth, "return 0" if self.gives else "return")
        else:
            self.put(depth, f"return {self.text(value)}")


class _PathWriter(_Writer):
    def run(self) -> EmittedPath:
        self.paths: set[str] = set()
        self.graph: Graph = flatten(self.function, self.symbols)
        self.registers: Registers = allocate(self.graph, self.limit("NR_REGS"))
        self.number = {block: i for i, block in enumerate(self.graph.numbered())}
        self.locals = self.graph.locals()
        self.task, self.frame, self.reg, self.pc, self.callee = map(
            self.own, ("task", "frame", "reg", "pc", "callee")
        )
        self.current = self.graph.blocks[0]
        self.jumped = False
        body = self.blocks()
        self.head()
        self.lines += body
        numbers = {n: block for block, n in self.number.items()}
        return EmittedPath(
            self.function,
            "\n".join(self.lines) + "\n",
            self.constants,
            frozenset(self.calls),
            frozenset(self.paths),
            self.registers.names,
            self.registers.kinds,
            {n: b.label for n, b in numbers.items() if b.label},
            {n: b.line for n, b in numbers.items()},
            {n: b.callee for n, b in numbers.items() if b.callee},
        )

    def limit(self, name: str) -> int:
        value = self.symbols.sources.constants.get(name)
        assert value is not None, f"{name} is not a constant of the model"
        return value

    def own(self, name: str) -> str:
        """A name for one of the linker's own variables that the path does not use."""
        while name in self.locals:
            name += "_"
        return name

    def head(self) -> None:
        self.put(0, f"def {self.function.name}(st, t):")
        self.docstring()
        self.put(1, f"{self.task} = st.task[t]")
        self.put(1, f"{self.frame} = {self.task}.frame[{self.task}.depth - 1]")
        if any(f"{self.reg}[" in line for line in self.body_lines):
            self.put(1, f"{self.reg} = {self.frame}.reg")
        if len(self.number) > 1:
            self.put(1, f"{self.pc} = {self.frame}.pc")
        if self.registers.zero:
            self.put(1, " = ".join([*self.registers.zero, "0"]))

    def blocks(self) -> list[str]:
        """The lines of all numbered blocks."""
        chains: list[list[str]] = []
        for block in self.number:
            self.lines = []
            self.tree(block, 0)
            chains.append(self.lines)
        self.body_lines = [line for lines in chains for line in lines]
        self.lines = []
        if len(chains) == 1 and not self.jumped:
            body = chains[0]
            self.lines = [STEP + line for line in body]
            return self._taken_lines()
        depth = 1
        if self.jumped:
            self.put(1, "while True:")
            depth = 2
        for (block, n), lines in zip(self.number.items(), chains, strict=True):
            test = f"{self.pc} == {n}:"
            if n == len(chains) - 1:
                self.put(depth, f"else:  # {test[:-1]}")
            else:
                self.put(depth, f"{'el' if n else ''}if {test}")
            if block.label:
                self.put(depth + 1, f"# after: {block.label}")
            self.lines += [STEP * (depth + 1) + line for line in lines]
        return self._taken_lines()

    def _taken_lines(self) -> list[str]:
        lines, self.lines = self.lines, []
        return lines

    def tree(self, block: Block, depth: int) -> None:
        """A block and, inside it, the blocks that are reached from it only."""
        for name in self.registers.load.get(block, ()):
            self.put(depth, f"{name} = {self.reg}[{self.registers.slot[name]}]")
        outer, self.current = self.current, block
        for node in block.statements:
            self.step(node, depth)
        self.end(block, depth)
        self.current = outer

    def step(self, node: Statement, depth: int) -> None:
        match node:
            case Guard(test=test, word=word):
                self.put(depth, f"if {self.text(test)}:")
                self.put(depth + 1, f"return {self.constant(word)}")
            case Take(name=name):
                if name:
                    self.put(depth, f"{name} = {self.task}.retval")
                self.put(depth, f"{self.task}.retval = 0")
            case ast.stmt():
                self.statement(node, depth)

    def end(self, block: Block, depth: int) -> None:
        match block.end:
            case Jump(target=target):
                self.go(target, depth)
            case Branch(test=test, then=then, other=other):
                self.put(depth, f"if {self.text(test)}:")
                self.go(then, depth + 1)
                self.go(other, depth)  # the first arm always leaves
            case Switch(label=label, resume=resume):
                self.put(depth, f"# switch point: {label}")
                self.stop(block, resume, depth)
                self.put(depth, f"return {self.constant('YIELDED')}")
            case Call() as call:
                self.call(block, call, depth)
            case Return(value=value, passes=passes):
                self.leave(value, passes, depth)

    def go(self, target: Block, depth: int) -> None:
        if target in self.number:
            self.jumped = True
            self.put(depth, f"{self.pc} = {self.number[target]}")
            self.put(depth, "continue")
        else:
            self.tree(target, depth)

    def stop(self, block: Block, resume: Block, depth: int) -> None:
        """Save what lives on, zero what does not."""
        for name in self.registers.save[block]:
            self.put(depth, f"{self.reg}[{self.registers.slot[name]}] = {name}")
        self.zero(self.registers.clear[block], depth)
        self.put(depth, f"{self.frame}.pc = {self.number[resume]}")

    def zero(self, slots: tuple[int, ...], depth: int) -> None:
        if slots:
            self.put(depth, " = ".join([*(f"{self.reg}[{s}]" for s in slots), "0"]))

    def call(self, block: Block, end: Call, depth: int) -> None:
        task, callee = self.task, self.callee
        name = end.name
        self.paths.add(name)
        self.put(depth, f"# call: {ast.unparse(end.call)}")
        values = [self.text(arg) for arg in end.call.args[2:]]
        self.put(depth, f"if {task}.depth == {self.limit_name('NR_FRAMES')}:")
        self.put(depth + 1, f"st.bug = {self.limit_name('BUG_FRAME_OVERFLOW')}")
        self.put(depth + 1, f"return {self.constant('CALLED')}")
        self.put(depth, f"{callee} = {task}.frame[{task}.depth]")
        self.put(depth, f"{callee}.path = PATH_{name}")
        for i, value in enumerate(values):
            if value != "0":  # a new frame is all zero
                self.put(depth, f"{callee}.reg[{i}] = {value}")
        self.stop(block, end.resume, depth)
        self.put(depth, f"{task}.depth += 1")
        self.put(depth, f"return {self.constant('CALLED')}")

    def limit_name(self, name: str) -> str:
        self.limit(name)
        return self.constant(name)

    def leave(self, value: ast.expr | None, passes: bool, depth: int) -> None:
        """Give back a value (0 is there already), zero the frame and pop it."""
        returns_zero = isinstance(value, ast.Constant) and value.value == 0
        if value is not None and not passes and not returns_zero:
            self.put(depth, f"{self.task}.retval = {self.text(value)}")
        self.zero(self.registers.leave[self.current], depth)
        if self.registers.moved[self.current]:
            self.put(depth, f"{self.frame}.path = {self.frame}.pc = 0")
        else:
            self.put(depth, f"{self.frame}.path = 0")
        self.put(depth, f"{self.task}.depth -= 1")
        self.put(depth, f"return {self.constant('RETURNED')}")

    def give_back(self, value: ast.expr | None, depth: int) -> None:
        self.leave(value, False, depth)

    def jump(self, node: ast.Break | ast.Continue, depth: int) -> None:
        if node in self.graph.jumps:
            self.go(self.graph.jumps[node], depth)
        else:
            self.put(depth, ast.unparse(node))


def file_text(emitted: Emitted, imports: dict[str, str], ids: dict[str, int]) -> str:
    """The whole file. `imports`: the module of each plain function called; `ids`: of paths."""
    lines = [f'"""{emitted.function.name}(), linked by pagefault from {emitted.function.home}."""']
    if emitted.calls:
        lines.append("")
        lines += [f"from .{imports[name]} import {name}" for name in sorted(emitted.calls)]
    constants = emitted.constants | {f"PATH_{name}": ids[name] for name in emitted.paths}
    if constants:
        lines.append("")
        lines += [f"{name} = {constants[name]}" for name in sorted(constants)]
    return "\n".join([*lines, "", "", emitted.body])
