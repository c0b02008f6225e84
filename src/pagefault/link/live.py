"""Which locals a path needs where, and so what its frame must hold at each stop.

Three passes over the graph of a path:

1. liveness: the locals that are still read after a stop. Each gets a register; all others are zero
   in the frame, so that states that differ in dead values only are equal.
2. origins and dirt: from which stops a block may have been entered, and which locals may differ
   from their registers there. A stop writes only these, and zeroes only what may be non-zero.
3. demand: liveness once more, but a stop reads only what it writes. A local that merely waits
   in its register through a step is neither loaded nor stored.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    stored,
)
from pagefault.link.source import kind_of, kind_of_value

Names = frozenset[str]
NONE: Names = frozenset()


class Uses:
    """Liveness inside statements, by reading them backwards."""

    def __init__(self, graph: Graph) -> None:
        self.locals = graph.locals() - {"st", "t"}
        self.jumps = graph.jumps
        self._of: dict[ast.AST, Names] = {}

    def of(self, *nodes: ast.AST | None) -> Names:
        """The locals that expressions read."""
        return frozenset().union(*(self._one(n) for n in nodes if n is not None))

    def _one(self, node: ast.AST) -> Names:
        if node not in self._of:
            self._of[node] = frozenset(
                n.id
                for n in ast.walk(node)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in self.locals
            )
        return self._of[node]

    def before(self, body: Sequence[Statement], after: Names, live: Mapping[Block, Names]) -> Names:
        """The locals live before statements; `live` holds those of the blocks that they jump to."""
        return self._body(body, after, live, NONE, NONE)

    def _body(
        self,
        body: Sequence[Statement],
        after: Names,
        live: Mapping[Block, Names],
        at_break: Names,
        at_continue: Names,
    ) -> Names:
        for node in reversed(body):
            after = self._statement(node, after, live, at_break, at_continue)
        return after

    def _statement(
        self,
        node: Statement,
        after: Names,
        live: Mapping[Block, Names],
        at_break: Names,
        at_continue: Names,
    ) -> Names:
        match node:
            case Guard(test=test):
                return after | self.of(test)
            case Take(name=name):
                return after - {name} if name else after
            case ast.Assign(targets=targets, value=value):
                stored = {n.id for n in targets if isinstance(n, ast.Name)}
                return (after - stored) | self.of(value, *targets)
            case ast.AugAssign(target=target, value=value):
                read = {target.id} if isinstance(target, ast.Name) else NONE
                return after | self.of(value, target) | read
            case ast.Expr(value=value):
                return after | self.of(value)
            case ast.If(test=test, body=body, orelse=orelse):
                return (
                    self.of(test)
                    | self._body(body, after, live, at_break, at_continue)
                    | self._body(orelse, after, live, at_break, at_continue)
                )
            case ast.While(test=test, body=body):
                endless = isinstance(test, ast.Constant) and bool(test.value)
                head = self.of(test) | (NONE if endless else after)
                return self._loop(body, head, after, live, NONE)
            case ast.For(target=target, iter=iterator, body=body):
                assert isinstance(target, ast.Name)
                return self.of(iterator) | self._loop(body, after, after, live, {target.id})
            case ast.Return(value=value):
                return self.of(value)
            case ast.Break():
                return live.get(self.jumps[node], NONE) if node in self.jumps else at_break
            case ast.Continue():
                return live.get(self.jumps[node], NONE) if node in self.jumps else at_continue
        return after

    def _loop(
        self,
        body: Sequence[Statement],
        head: Names,
        after: Names,
        live: Mapping[Block, Names],
        target: Iterable[str],
    ) -> Names:
        while True:
            again = head | (self._body(body, head, live, after, head) - frozenset(target))
            if again == head:
                return head
            head = again


def live_sets(graph: Graph, saved: Mapping[Block, Names] | None = None) -> dict[Block, Names]:
    """The locals live at the start of each block.

    With `saved`, a stop at the end of a block reads those that are saved there; without, those that
    are live where the path goes on.
    """
    uses = Uses(graph)
    live = dict.fromkeys(graph.blocks, NONE)
    changed = True
    while changed:
        changed = False
        for block in reversed(graph.blocks):
            before = uses.before(block.statements, _at_end(block, uses, live, saved), live)
            if before != live[block]:
                live[block] = before
                changed = True
    return live


def _at_end(
    block: Block, uses: Uses, live: Mapping[Block, Names], saved: Mapping[Block, Names] | None
) -> Names:
    match block.end:
        case Jump(target=target):
            return live[target]
        case Branch(test=test, then=then, other=other):
            return uses.of(test) | live[then] | live[other]
        case Switch(resume=resume):
            return live[resume] if saved is None else saved[block]
        case Call(call=call, resume=resume):
            return uses.of(*call.args) | (live[resume] if saved is None else saved[block])
        case Return(value=value):
            return uses.of(value)
    return NONE


@dataclass(frozen=True, eq=False)
class Registers:
    """Where the locals of a path live between steps, and what each block does about it.

    `slot` is the register of a local; `names` and `kinds` describe each register in use. `load`
    holds what to read where the path goes on, `save` what to write where it stops, `clear` the
    registers to zero there and `leave` those to zero on return. `zero` are locals that may be read
    before they are written, as far as the emitted text tells.
    """

    slot: dict[str, int]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    load: dict[Block, tuple[str, ...]]
    save: dict[Block, tuple[str, ...]]
    clear: dict[Block, tuple[int, ...]]
    leave: dict[Block, tuple[int, ...]]
    moved: dict[Block, bool]
    """Whether the frame's pc may be other than 0 in this block."""
    zero: tuple[str, ...]


def allocate(graph: Graph, limit: int) -> Registers:
    """Give registers to the locals of a path. ModelError if `limit` is too few."""
    entry = graph.blocks[0]
    params = graph.function.params[2:]
    live = live_sets(graph)
    held = {b: live[b] for b in graph.blocks if b.resumes}
    held[entry] = frozenset(params)  # the caller fills them all
    slot = _slots(graph, params, held, limit)
    _refuse_views(graph, held, slot)
    _check_kinds(graph, slot)
    order = _order(graph)

    def ordered(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=lambda n: (order.get(n, len(order)), n)))

    origins, dirty = _origins_and_dirt(graph)
    taken = {b: {slot[n] for n in names} for b, names in held.items()}
    save: dict[Block, Names] = {}
    clear: dict[Block, tuple[int, ...]] = {}
    leave: dict[Block, tuple[int, ...]] = {}
    for block in graph.blocks:
        full = {s for o in origins[block] for s in taken[o]}
        leave[block] = tuple(sorted(full))
        if isinstance(block.end, Switch | Call):
            needed = held[block.end.resume]
            # A register that another local may have left behind is written, too.
            save[block] = frozenset(
                n
                for n in needed
                if n in dirty[block]
                or any(n not in held[o] and slot[n] in taken[o] for o in origins[block])
            )
            clear[block] = tuple(sorted(full - {slot[n] for n in needed}))
    demand = live_sets(graph, save)
    load = {b: ordered(demand[b] & held[b]) for b in held}
    zero = frozenset().union(*(demand[b] - held.get(b, NONE) for b in graph.numbered()))
    _refuse_views(graph, {entry: zero}, dict.fromkeys(zero, 0))
    names: list[list[str]] = [[] for _ in range(max(slot.values(), default=-1) + 1)]
    for name, s in slot.items():
        names[s].append(name)
    return Registers(
        slot,
        tuple("/".join(x) for x in names),
        tuple(kind_of(x[0]) for x in names),
        load,
        {b: ordered(x) for b, x in save.items()},
        clear,
        leave,
        {b: any(o is not entry for o in origins[b]) for b in graph.blocks},
        ordered(zero),
    )


def _order(graph: Graph) -> dict[str, int]:
    """Locals in the order in which the source first names them."""
    order: dict[str, int] = {name: i for i, name in enumerate(graph.function.params)}
    names = sorted(
        (n for n in ast.walk(graph.function.node) if isinstance(n, ast.Name)),
        key=lambda n: (n.lineno, n.col_offset),
    )
    for n in names:
        order.setdefault(n.id, len(order))
    return order


def _slots(
    graph: Graph, params: Sequence[str], held: Mapping[Block, Names], limit: int
) -> dict[str, int]:
    """A register for each local that outlives a stop, parameters first.

    Each has its own if there are enough; else locals of one kind that are never needed at the same
    time share.
    """
    order = _order(graph)
    crossing = frozenset().union(*held.values()) - set(params)
    names = [*params, *sorted(crossing, key=lambda n: (order.get(n, len(order)), n))]
    if len(names) <= limit:
        return {name: i for i, name in enumerate(names)}
    slot: dict[str, int] = {}
    holders: list[set[str]] = []
    for name in names:
        rivals = frozenset().union(*(x for x in held.values() if name in x))
        for i, group in enumerate(holders):
            if not group & rivals and all(kind_of(x) == kind_of(name) for x in group):
                group.add(name)
                slot[name] = i
                break
        else:
            slot[name] = len(holders)
            holders.append({name})
    if len(holders) > limit:
        most = max(held.values(), key=len)
        raise graph.function.module.error(
            f"{graph.function.node.name} needs {len(holders)} registers, a frame has {limit}",
            graph.function.node,
            f"most are needed at once for {', '.join(sorted(most))}: move a part into a function",
        )
    return slot


def _refuse_views(graph: Graph, held: Mapping[Block, Names], slot: Mapping[str, int]) -> None:
    """A local that stands for a part of the state cannot go into a register."""
    for node in ast.walk(graph.function.node):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in slot and any(name in x for x in held.values()):
                raise graph.function.module.error(
                    f"{name} stands for a part of the state and outlives a switch point",
                    node,
                    "keep the index and write st....[index].field, or move this into a function",
                )


def _check_kinds(graph: Graph, slot: Mapping[str, int]) -> None:
    """A local that outlives a stop and takes over a page frame number or a PTE is named so."""
    for node in ast.walk(graph.function.node):
        if not isinstance(node, ast.Assign):
            continue
        kind = kind_of_value(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id in slot and kind:
                if kind_of(target.id) != kind:
                    raise graph.function.module.error(
                        f"{target.id} holds a {kind} beyond a switch point and is not called so",
                        node,
                        f"name it {kind}, or {target.id}_{kind}",
                    )


def _origins_and_dirt(graph: Graph) -> tuple[dict[Block, set[Block]], dict[Block, set[str]]]:
    """Per block: the stops it may be entered from, and at its end the locals changed since then."""
    origins: dict[Block, set[Block]] = {b: {b} if b.resumes else set() for b in graph.blocks}
    changed_in = {b: _changed(b.statements) for b in graph.blocks}
    dirty = {b: set(changed_in[b]) for b in graph.blocks}
    todo = list(graph.blocks)
    while todo:
        block = todo.pop()
        for after in block.successors():
            if not (origins[block] <= origins[after] and dirty[block] <= dirty[after]):
                origins[after] |= origins[block]
                dirty[after] |= dirty[block]
                todo.append(after)
    return origins, dirty


def _changed(body: Sequence[Statement]) -> set[str]:
    names: set[str] = set()
    for s in body:
        if isinstance(s, Take):
            names |= {s.name} if s.name else set()
        elif isinstance(s, ast.stmt):
            names |= stored([s])
    return names
