"""A generator as a graph of blocks: what runs without a stop, and how it stops.

Statements without a `yield` stay as they are inside a block. A `break`, `continue` or `return` in
such a statement may still leave the block; `Graph.jumps` says where a `break` or `continue` of a
loop that was taken apart goes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pagefault.link.check import (
    called_path,
    guard_word,
    is_docstring,
    leaves,
    local_names,
    own_jumps,
    suspends,
    switch_label,
)
from pagefault.link.source import Function, Symbols, constant_value, kind_of


@dataclass(eq=False)
class Guard:
    """Return `word` (BLOCKED or WAITING) if `test` holds."""

    test: ast.expr
    word: str


@dataclass(eq=False)
class Take:
    """Take the value that the path called last returned into a local, None: drop it."""

    name: str | None


@dataclass(eq=False)
class Jump:
    """Go on with another block."""

    target: Block


@dataclass(eq=False)
class Branch:
    """Go on with one of two blocks."""

    test: ast.expr
    then: Block
    other: Block


@dataclass(eq=False)
class Switch:
    """Stop at a switch point."""

    label: str
    resume: Block


@dataclass(eq=False)
class Call:
    """Stop to let another path run."""

    call: ast.Call
    resume: Block

    @property
    def name(self) -> str:
        """The path that is called."""
        assert isinstance(self.call.func, ast.Name)
        return self.call.func.id


@dataclass(eq=False)
class Return:
    """Leave the path. `passes`: the value is that of the path called last."""

    value: ast.expr | None = None
    passes: bool = False


@dataclass(eq=False)
class Dead:
    """Never reached: the last statement of the block left already."""


Statement = ast.stmt | Guard | Take
End = Jump | Branch | Switch | Call | Return | Dead


@dataclass(eq=False)
class Block:
    """Statements that run in a row. `resumes`: the path starts or goes on here after a stop.

    `line` is where the block begins in the source, `label` that of the switch point before it,
    `callee` the path that returns to it.
    """

    line: int
    resumes: bool = False
    label: str = ""
    callee: str = ""
    statements: list[Statement] = field(default_factory=list)
    end: End = field(default_factory=Dead)
    exits: list[Block] = field(default_factory=list)
    """Where statements inside the block jump to."""

    @property
    def only_returns(self) -> bool:
        """Whether the block is a bare `return`."""
        return isinstance(self.end, Return) and not self.statements and not self.resumes

    def successors(self) -> list[Block]:
        """The blocks that may run next without a stop."""
        match self.end:
            case Jump(target=target):
                return [target, *self.exits]
            case Branch(then=then, other=other):
                return [then, other, *self.exits]
        return list(self.exits)


@dataclass(eq=False)
class Graph:
    """The blocks of a path in source order, the entry first."""

    function: Function
    blocks: list[Block]
    jumps: dict[ast.stmt, Block]

    def locals(self) -> set[str]:
        """All local names, the linker's own loop counters among them."""
        own = [s for b in self.blocks for s in b.statements if isinstance(s, ast.stmt)]
        return local_names(self.function.node) | stored(own)

    def numbered(self) -> list[Block]:
        """The blocks that need a number of their own, in source order.

        The others are written out where they are reached: from one place, or a bare return.
        """
        entries: dict[Block, int] = {}
        for block in self.blocks:
            for after in block.successors():
                entries[after] = entries.get(after, 0) + (2 if after in block.exits else 1)
        return [
            b for b in self.blocks if b.resumes or (entries.get(b, 0) > 1 and not b.only_returns)
        ]


def flatten(function: Function, symbols: Symbols) -> Graph:
    """Take a checked generator apart."""
    from pagefault.link.live import live_sets

    keep: set[ast.For] = set()
    while True:
        builder = _Builder(function, symbols, keep)
        graph = builder.run()
        live = live_sets(graph)
        # A loop may count in its own variable only if nobody reads it after the loop.
        wrong = {
            loop
            for loop, after in builder.counted.items()
            if isinstance(loop.target, ast.Name) and loop.target.id in live.get(after, ())
        }
        if not wrong:
            return graph
        keep |= wrong


class _Builder:
    def __init__(self, function: Function, symbols: Symbols, keep: set[ast.For]) -> None:
        self.function = function
        self.symbols = symbols
        self.keep = keep
        self.blocks: list[Block] = []
        self.jumps: dict[ast.stmt, Block] = {}
        self.loops: list[tuple[Block, Block]] = []
        self.counted: dict[ast.For, Block] = {}
        self.names = {n.id for n in ast.walk(function.node) if isinstance(n, ast.Name)}

    def run(self) -> Graph:
        entry = self.place(Block(self.function.line, resumes=True))
        last = self.body(self.function.node.body, entry)
        if last is not None:
            last.end = Return()
        self.straighten()
        return Graph(self.function, self.blocks, self.jumps)

    def place(self, block: Block) -> Block:
        self.blocks.append(block)
        return block

    def body(self, body: list[ast.stmt], block: Block | None) -> Block | None:
        """Lower statements onto `block`. Returns the block that goes on behind them, if any."""
        for node in body:
            if block is None:
                return None  # unreachable, e.g. the yield behind a return that makes a generator
            block = self.statement(node, block)
        return block

    def statement(self, node: ast.stmt, block: Block) -> Block | None:
        if is_docstring(node) or isinstance(node, ast.Pass):
            return block
        if word := guard_word(node):
            assert isinstance(node, ast.While)
            block.statements.append(Guard(node.test, word))
            return block
        if label := switch_label(node):
            after = self.place(Block(node.lineno, resumes=True, label=label))
            block.end = Switch(label, after)
            return after
        if not suspends(node):
            return self.simple(node, block)
        match node:
            case ast.Expr(value=value) if call := called_path(value):
                return self.call(call, Take(None), block)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if call := called_path(value):
                return self.call(call, Take(name), block)
            case ast.Return(value=value) if call := called_path(value):
                self.call(call, None, block).end = Return(passes=True)
                return None
            case ast.If():
                return self.branch(node, block)
            case ast.While():
                return self.while_loop(node, block)
            case ast.For():
                return self.for_loop(node, block)
        raise AssertionError(ast.dump(node))

    def simple(self, node: ast.stmt, block: Block) -> Block | None:
        """A statement without a yield."""
        match node:
            case ast.Return(value=value):
                block.end = Return(value)
                return None
            case ast.Break():
                block.end = Jump(self.loops[-1][0])
                return None
            case ast.Continue():
                block.end = Jump(self.loops[-1][1])
                return None
        for jump in _escapes(node):
            target = self.loops[-1][0 if isinstance(jump, ast.Break) else 1]
            self.jumps[jump] = target
            block.exits.append(target)
        block.statements.append(node)
        return None if leaves(node) else block

    def call(self, call: ast.Call, take: Take | None, block: Block) -> Block:
        after = self.place(Block(call.lineno, resumes=True))
        block.end = end = Call(call, after)
        after.callee = end.name
        if take is not None:
            after.statements.append(take)
        return after

    def branch(self, node: ast.If, block: Block) -> Block | None:
        join = Block(node.end_lineno or node.lineno)
        then = self.place(Block(node.body[0].lineno))
        last = self.body(node.body, then)
        goes_on = last is not None
        if last is not None:
            last.end = Jump(join)
        other = join
        if node.orelse:
            other = self.place(Block(node.orelse[0].lineno))
            last = self.body(node.orelse, other)
            if last is not None:
                last.end = Jump(join)
                goes_on = True
        else:
            goes_on = True
        block.end = Branch(node.test, then, other)
        return self.place(join) if goes_on else None

    def while_loop(self, node: ast.While, block: Block) -> Block | None:
        head, after = self.place(Block(node.lineno)), Block(node.end_lineno or node.lineno)
        block.end = Jump(head)
        first = self.place(Block(node.body[0].lineno))
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        head.end = Jump(first) if endless else Branch(node.test, first, after)
        self.loop(node.body, first, after, head)
        return self.place(after)

    def loop(self, body: list[ast.stmt], first: Block, after: Block, again: Block) -> None:
        self.loops.append((after, again))
        last = self.body(body, first)
        self.loops.pop()
        if last is not None:
            last.end = Jump(again)

    def for_loop(self, node: ast.For, block: Block) -> Block:
        """`for x in range(start, stop, step)` as a `while`, its bounds worked out once."""
        assert isinstance(node.target, ast.Name)
        assert isinstance(node.iter, ast.Call)
        name = node.target.id
        bounds = node.iter.args
        start, stop = (_number(0), bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[1])
        step = constant_value(bounds[2], self.constant) if len(bounds) == 3 else 1
        module = self.function.module
        if not step:
            raise module.error(
                "the step of a loop with a switch point is a constant other than 0", node.iter
            )
        if kind_of(name):
            raise module.error(
                "a loop over page frame numbers has a switch point",
                node,
                "frames are renumbered while a path waits, their order means nothing: choose() one",
            )
        after = Block(node.end_lineno or node.lineno)
        counter = name
        if node in self.keep or name in stored(node.body):
            counter = self.hidden(f"{name}_next")
        else:
            self.counted[node] = after
        first_steps = [_assign(counter, start)]
        if not self.fixed(stop, node):
            end = self.hidden(f"{name}_stop")
            at = 0 if counter in _loaded(stop) else 1
            first_steps.insert(at, _assign(end, stop))
            stop = ast.Name(end, ast.Load())
        block.statements += first_steps
        head = self.place(Block(node.lineno))
        block.end = Jump(head)
        first = self.place(Block(node.body[0].lineno))
        compare: ast.cmpop = ast.Lt() if step > 0 else ast.Gt()
        test = ast.Compare(ast.Name(counter, ast.Load()), [compare], [stop])
        head.end = Branch(test, first, after)
        advance = _assign(
            counter,
            ast.BinOp(
                ast.Name(counter, ast.Load()),
                ast.Add() if step > 0 else ast.Sub(),
                _number(abs(step)),
            ),
        )
        if counter == name:
            again = Block(node.lineno, statements=[advance], end=Jump(head))
            self.loop(node.body, first, after, again)
            self.place(again)
        else:
            first.statements += [_assign(name, ast.Name(counter, ast.Load())), advance]
            self.loop(node.body, first, after, head)
        return self.place(after)

    def constant(self, name: str) -> int | None:
        return self.symbols.constant(self.function.module, name)

    def hidden(self, name: str) -> str:
        """A local of the linker's own, named after one of the path's."""
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def fixed(self, stop: ast.expr, loop: ast.For) -> bool:
        """Whether a bound may be worked out anew each time: locals that the loop leaves alone."""
        changed = stored([loop])
        for n in ast.walk(stop):
            if isinstance(n, ast.Name):
                if n.id in changed:
                    return False
            elif not isinstance(n, ast.Constant | ast.BinOp | ast.operator | ast.expr_context):
                return False
        return True

    def straighten(self) -> None:
        """Let jumps to a block that only jumps go where it goes; drop what nothing reaches."""

        def final(block: Block) -> Block:
            seen = {block}
            while not block.statements and not block.resumes and isinstance(block.end, Jump):
                block = block.end.target
                if block in seen:
                    break
                seen.add(block)
            return block

        for block in self.blocks:
            match block.end:
                case Jump() as end:
                    end.target = final(end.target)
                case Branch() as end:
                    end.then, end.other = final(end.then), final(end.other)
            block.exits = [final(x) for x in block.exits]
        self.jumps = {node: final(target) for node, target in self.jumps.items()}
        self.counted = {loop: final(after) for loop, after in self.counted.items()}
        reached = {self.blocks[0]}
        todo = [self.blocks[0]]
        while todo:
            block = todo.pop()
            after = block.successors()
            if isinstance(block.end, Switch | Call):
                after.append(block.end.resume)
            todo += [b for b in after if b not in reached]
            reached.update(after)
        self.blocks = [b for b in self.blocks if b in reached]


def _escapes(node: ast.stmt) -> Iterator[ast.stmt]:
    """The breaks and continues in a statement that belong to a loop around it."""
    return own_jumps([node])


def stored(body: Sequence[ast.stmt]) -> set[str]:
    """The names that statements assign."""
    return {
        n.id
        for node in body
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _loaded(expr: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(expr) if isinstance(n, ast.Name)}


def _number(value: int) -> ast.Constant:
    return ast.Constant(value)


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)
