"""One order of the tasks for all states that differ only in which of several equal tasks did what.

Threads of one address space and devices that run the same statements are interchangeable once no
statement that is still to run names one of them. Exchanging two of them permutes the tasks'
records, the CPUs' records, and every value that names a task or a CPU (`who` in layout.py).
`Symmetry` brings the states that come out of each other by this to one form: the members in order
of what they have done, and among those that did the same the order that gives the least state.

Leaving out all but one of such states is right only if whatever can happen in one can happen in
the others with the names exchanged, now and ever after. This holds because

- only functions that treat all tasks and CPUs alike are admitted: `unaudited()` finds the others,
  which make the kernel ask for no symmetry at all. Those in `AUDITED` have been read: they go over
  the tasks, the CPUs or the frames in an order that does not matter, with two exceptions;
- a flush sends its IPIs in order of the CPUs. A state in which a task stands between two of them is
  refused by `check()` unless the order is kept whatever members are exchanged;
- rmqueue() reuses a frame that only registers name, in the order in which they are looked at.
  A state with two such frames is refused by `check()`;
- what a statement names is looked up in all that a task has still to run, which only shrinks.

A search whose check() fails must begin again without the groups that it names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise, permutations, product
from typing import TYPE_CHECKING

from pagefault.consts import NR_CPUS, NR_PFN, NR_TASKS
from pagefault.explore.canonical import Canonical, Naming
from pagefault.explore.engine import TASKS
from pagefault.explore.lower import CONSTANT, NO_CPU, address_spaces
from pagefault.lang.program import And, Atom, Expr, Memory, Name, Not, Or, Register, Signal
from pagefault.layout import LEAF_INDEX, LEAVES
from pagefault.link.source import PACKAGE

if TYPE_CHECKING:
    from pagefault.explore.lower import Lowered
    from pagefault.lang.program import Program, Statement
    from pagefault.link import Function, Kernel

__all__ = ["Asymmetry", "Group", "Symmetry", "groups", "unaudited"]

Group = tuple[int, ...]
"""Tasks that are interchangeable, in their order."""

AUDITED = frozenset(
    {
        *("_gup_references", "_pte_settled", "counts", "counts_at_end", "exclusive_once"),
        "_is_known_to_be_dirty",
        *("flushed_before_freed", "observe_rmap_removed", "tlb_drop", "tlb_fill"),
        *("observe_dropped", "mem_cgroup_charge"),
        *("boot_kernel", "share_audience", "mark_dangling", "owner_gives_up", "note_revoked"),
        *("check_revoked", "note_protected", "flush_tlb_func"),
        *("arch_tlbbatch_should_defer", "arch_tlbbatch_add_pending", "arch_tlbbatch_flush"),
        *("needs_batch_flush_ipi", "try_to_unmap_flush"),
        *("needs_flush_ipi", "flush_tlb_mm_range", "note_forgotten", "load_mm"),
        *("local_irq_disable", "local_irq_enable", "switch_to", "translate"),
        *("rmqueue", "folio_lock", "folio_unlock", "free_unref_folio"),
        *("folio_trylock", "folio_test_locked", "_holders"),
        *("pipe_lock", "pipe_unlock", "wait_for_space", "sys_read"),
        *("pte_lock_holder", "pte_offset_map_lock", "pte_unmap_unlock"),
        *("pmd_lock", "pmd_unlock"),
        *("flush_is_held_up", "tlb_remove_table_sync_one"),
        *("process_vm_pin", "sys_process_vm_readv", "sys_process_vm_writev"),
        *("sys_clone", "sys_fork", "sys_wait", "delay_group_leader", "sys_reap"),
        *("get_task_mm", "sys_proc_mem_read", "sys_proc_mem_write", "sys_look"),
        *("sys_ptrace_peek", "sys_kill"),
        *("wake_userfault", "_claim_is_leaked"),
        *("mark_kernel_address", "kernel_address_reach", "__purge_vmap_area_lazy"),
        *("free_area_pages", "packet_send", "skb_release_data"),
        *("set_direct_map_invalid_noflush", "set_direct_map_default_noflush"),
        *("flush_tlb_kernel_range", "kernel_reaches", "cpu_reaches", "secret_does"),
        *("is_forking", "__split_huge_page"),
        *("join_block", "block_is_whole", "count_vm_event"),
        "deferred_split_scan",  # by frame, whoever has it; large ones keep their names
        "dup_mmap",  # the child that it passes on is an address space
    }
)
"""Functions of the baseline that tell tasks, CPUs or frames apart and were found to be fair."""

CPU_REGISTERS = {
    "flush_tlb_mm_range": ("here", "cpu"),
    "arch_tlbbatch_flush": ("here", "cpu"),
    "flush_tlb_kernel_range": ("here", "cpu"),
    "tlb_remove_table_sync_one": ("cpu",),
}
"""By path of AUDITED: the registers that hold a CPU while it stands at a switch point.

Such a path goes over the CPUs in their order.
"""

_WHO = {leaf.path.rpartition(".")[2].partition("[")[0] for leaf in LEAVES if leaf.who}
_TELLING = _WHO | {"task", "revoked", "nr_cpus", "nr_tasks", "nr_pfns"}
_TELLING_NAMES = {"t", "NR_CPUS", "NR_TASKS", "NR_PFN", "pte_lock_holder"}
_TELLING_PARAMS = {"cpu", "task", "child"}


class Asymmetry(Exception):  # noqa: N818  # not an error: the search goes on without the groups
    """A state was reached in which the order of the members of `groups` may matter."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self.groups = tuple(groups)
        super().__init__(f"the order of the tasks {self.groups} may matter")


# --- which kernels ------------------------------------------------------------------------------


def unaudited(kernel: Kernel) -> tuple[str, ...]:
    """The functions of a kernel that may tell tasks, CPUs or frames apart, but for AUDITED ones."""
    functions = kernel.symbols.functions
    baseline = kernel.symbols.sources.functions
    return tuple(
        name
        for name, function in sorted(functions.items())
        if not (
            name in AUDITED
            and baseline.get(name) is function
            and function.file.is_relative_to(PACKAGE)
        )
        and _tells_apart(function, functions)
    )


def _tells_apart(function: Function, functions: dict[str, Function]) -> bool:
    """Whether it does more with `t` than pass it on as `t` and look at st.task[t].

    Or mentions what names or counts tasks, CPUs or frames, or a function that takes one.
    """
    takers = {name for name, f in functions.items() if _TELLING_PARAMS & set(f.params)}
    harmless: set[ast.AST] = set()
    for node in ast.walk(function.node):
        match node:
            case ast.Subscript(ast.Attribute(ast.Name("st"), "task") as tasks, ast.Name("t") as t):
                harmless |= {tasks, t}
            case ast.Call(ast.Name(callee), [ast.Name("st"), ast.Name("t") as t, *_]):
                if callee in functions and functions[callee].params[1:2] == ("t",):
                    harmless.add(t)
    return any(
        (isinstance(node, ast.Attribute) and node.attr in _TELLING)
        or (isinstance(node, ast.Name) and node.id in _TELLING_NAMES | takers)
        for node in ast.walk(function.node)
        if node not in harmless
    )


# --- which tasks --------------------------------------------------------------------------------


def groups(lowered: Lowered) -> tuple[Group, ...]:
    """The tasks of a program that are interchangeable once nothing names them any more."""
    found: list[list[int]] = []
    for t in range(len(lowered.tasks)):
        for group in found:
            if _alike(lowered, group[0], t):
                group.append(t)
                break
        else:
            found.append([t])
    return tuple(tuple(group) for group in found if len(group) > 1)


def _alike(lowered: Lowered, t: int, u: int) -> bool:
    """Whether they are of one kind and run the same, and the condition does not tell them apart."""
    program = lowered.program
    task, other = lowered.tasks[t], lowered.tasks[u]
    kind = program.tasks[t].kind
    if kind not in ("thread", "device") or kind != program.tasks[u].kind:
        return False
    if task.mm != other.mm or task.started_by_program != other.started_by_program:
        return False
    for one in (task, other):
        if one.cpu != NO_CPU and sum(x.cpu == one.cpu for x in lowered.tasks) > 1:
            return False
    if (task.cpu == NO_CPU) != (other.cpu == NO_CPU):
        return False
    if _own_statements(lowered, t) != _own_statements(lowered, u):
        return False
    a, b = program.tasks[t].name, program.tasks[u].name
    condition = program.condition.expr
    return _normal(program, condition, {}) == _normal(program, condition, {a: b, b: a})


def _own_statements(lowered: Lowered, t: int) -> list[object]:
    """What a task runs; a register of its own says so and not whose it is."""
    return [
        (
            *(statement.path, statement.function, statement.dest),
            tuple(
                (task if task == CONSTANT else ("own" if task == t else task), value)
                for task, value in statement.operands
            ),
        )
        for statement in lowered.tasks[t].statements
    ]


def _normal(program: Program, expr: Expr, swap: dict[str, str]) -> object:
    """An expression with names exchanged, the same for any order of its operands."""
    match expr:
        case Atom(left, right, equal):
            return ("atom", _place(program, left, swap), right, equal)
        case Not(operand):
            return ("not", _normal(program, operand, swap))
        case And(operands):
            return ("and", frozenset(_normal(program, e, swap) for e in operands))
        case Or(operands):
            return ("or", frozenset(_normal(program, e, swap) for e in operands))


def _place(program: Program, place: Register | Memory | Signal, swap: dict[str, str]) -> object:
    task = swap.get(place.task, place.task)
    match place:
        case Register():
            return ("register", task, place.index)
        case Signal():
            return ("signal", task)
        case Memory():
            mm = address_spaces(program)[task]
            return ("memory", task if mm is None else mm, place.page, place.cell)


def _named(program: Program, t: int, statement: Statement) -> set[int]:
    """The tasks that a statement of `t` names, itself as the owner of a register left out."""
    named = {program.task_index(arg.task) for arg in statement.args if isinstance(arg, Name)}
    registers = {arg.task for arg in statement.args if isinstance(arg, Register)}
    return named | ({program.task_index(name) for name in registers} - {t})


# --- exchanging tasks in a state ----------------------------------------------------------------


def _span(prefix: str) -> slice:
    """Where a record stands in the flat list: its leaves are neighbours."""
    found = [i for i, leaf in enumerate(LEAVES) if leaf.path.startswith(f"{prefix}.")]
    assert found == list(range(found[0], found[-1] + 1))
    return slice(found[0], found[-1] + 1)


_TASK = [_span(f"task[{t}]") for t in range(NR_TASKS)]
_CPU = [_span(f"cpu[{c}]") for c in range(NR_CPUS)]
_REVOKED = [
    slice(LEAF_INDEX[f"task[{t}].revoked[0]"], LEAF_INDEX[f"task[{t}].revoked[{NR_CPUS - 1}]"] + 1)
    for t in range(NR_TASKS)
]
_NAMES_TASK = [i for i, leaf in enumerate(LEAVES) if leaf.who == "task"]
_NAMES_CPUS = [i for i, leaf in enumerate(LEAVES) if leaf.who == "cpus"]
_TASK_CPU = [i for i, leaf in enumerate(LEAVES) if leaf.who == "cpu"]
assert [LEAF_INDEX[f"task[{t}].cpu"] for t in range(NR_TASKS)] == _TASK_CPU
_REFCOUNT = [LEAF_INDEX[f"folio[{p}].refcount"] for p in range(NR_PFN)]
_DANGLING = [LEAF_INDEX[f"page[{p}].dangling"] for p in range(NR_PFN)]
_SAME: Naming = tuple(range(NR_TASKS))


class Symmetry:
    """Exchanges the tasks of states of one program on one kernel.

    `groups` is empty where nothing may be exchanged; `without` names groups to leave alone.
    `canonical` renames the frames, which goes with it; None to leave them as they are.
    """

    def __init__(
        self,
        kernel: Kernel,
        lowered: Lowered,
        canonical: Canonical | None,
        without: Iterable[Group] = (),
    ) -> None:
        barred = set(without)
        self.groups: tuple[Group, ...] = ()
        if not unaudited(kernel):
            self.groups = tuple(group for group in groups(lowered) if group not in barred)
        self._canonical = canonical
        self._cpus = [task.cpu for task in lowered.tasks]
        # By task and statement: what is named from there on.
        program = lowered.program
        self._named_from: list[list[set[int]]] = []
        for t, task in enumerate(program.tasks):
            named: list[set[int]] = [set()]
            for statement in reversed(task.statements):
                named.append(named[-1] | _named(program, t, statement))
            self._named_from.append(named[::-1])
        self._cpu_registers: dict[int, tuple[int, ...]] = {
            path.id: tuple(
                r
                for r, names in enumerate(path.registers)
                if set(names.split("/")) & set(CPU_REGISTERS[path.name])
            )
            for path in kernel.paths
            if path is not None and path.name in CPU_REGISTERS
        }

    def apply(self, leaves: list[int]) -> tuple[Naming | None, Naming | None]:
        """Make a state canonical in place. Returns how tasks were exchanged and frames renamed.

        Each is None if there was nothing to do; tasks were exchanged first.
        """
        orders = self._orders(leaves)
        if len(orders) == 1 and orders[0] == _SAME:
            return None, self._canonical.apply(leaves) if self._canonical else None
        best: tuple[list[int], Naming | None, Naming | None] | None = None
        for order in orders:
            state = list(leaves)
            self.exchange(state, order)
            frames = self._canonical.apply(state) if self._canonical else None
            if best is None or state < best[0]:
                best = state, None if order == _SAME else order, frames
        assert best is not None
        leaves[:], tasks, frames = best
        return tasks, frames

    def check(self, leaves: Sequence[int]) -> None:
        """Asymmetry if this is a state in which the order of tasks matters for what comes next."""
        if not self.groups:
            return
        interchangeable = self._interchangeable(leaves)
        unfair = [
            self.groups[g]
            for g, members in enumerate(interchangeable)
            if len(members) > 1 and not self._keeps_order(leaves, members)
        ]
        if unfair:
            raise Asymmetry(unfair)
        if self._canonical and any(len(members) > 1 for members in interchangeable):
            free = {
                p
                for p in self._canonical.mentioned(leaves)
                if 0 < p < NR_PFN and leaves[_REFCOUNT[p]] == 0 and not leaves[_DANGLING[p]]
            }
            if len(free) > 1:
                raise Asymmetry(self.groups)

    def exchange(self, leaves: list[int], order: Naming) -> None:
        """Let each task `t` be called order[t] from now on, and its CPU as that task's CPU was."""
        old = list(leaves)
        cpus = list(range(NR_CPUS))
        for t, cpu in enumerate(self._cpus):
            if order[t] != t and cpu != NO_CPU:
                cpus[cpu] = self._cpus[order[t]]
        for t, u in enumerate(order):
            if u != t:
                leaves[_TASK[u]] = old[_TASK[t]]
        for c, to in enumerate(cpus):
            if to != c:
                leaves[_CPU[to]] = old[_CPU[c]]
        for at in _REVOKED:
            masks = leaves[at]
            for c, to in enumerate(cpus):
                leaves[at.start + to] = masks[c]
        for i in _NAMES_TASK:
            if leaves[i]:
                leaves[i] = order[leaves[i] - 1] + 1
        for i in _TASK_CPU[: len(self._cpus)]:  # beyond are no tasks, and nothing but zeros
            if leaves[i] != NO_CPU:
                leaves[i] = cpus[leaves[i]]
        for i in _NAMES_CPUS:
            if leaves[i]:
                leaves[i] = sum(1 << to for c, to in enumerate(cpus) if leaves[i] >> c & 1)
        for _, i in self._live_registers(leaves):
            if leaves[i] != NO_CPU:  # who works for a device flushes from no CPU
                leaves[i] = cpus[leaves[i]]

    def _live_registers(self, leaves: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The registers that hold a CPU: task and list position."""
        for t in range(len(self._cpus)):
            slots = TASKS[t]
            for d in range(leaves[slots.depth]):
                if leaves[slots.pc[d]] != 0:  # else it has not begun, and they are not set
                    for r in self._cpu_registers.get(leaves[slots.path[d]], ()):
                        yield t, slots.frame_reg[d] + r

    def _interchangeable(self, leaves: Sequence[int]) -> list[list[int]]:
        """For each group the members that nothing still to be run names."""
        named: set[int] = set()
        for t, named_from in enumerate(self._named_from):
            named |= named_from[min(leaves[TASKS[t].ip], len(named_from) - 1)]
        return [[t for t in group if t not in named] for group in self.groups]

    def _orders(self, leaves: Sequence[int]) -> list[Naming]:
        """How tasks may be exchanged so that those of a group stand in order of their keys."""
        choices: list[list[list[tuple[int, int]]]] = []
        for members in self._interchangeable(leaves):
            keys = {t: _key(leaves, t) for t in members}
            runs = [list(run) for _, run in groupby(sorted(members, key=keys.get), key=keys.get)]  # type: ignore[arg-type]
            choices.append(
                [
                    list(zip([t for run in way for t in run], members, strict=True))
                    for way in product(*(permutations(run) for run in runs))
                ]
            )
        orders = []
        for choice in product(*choices):
            order = list(_SAME)
            for pairs in choice:
                for t, u in pairs:
                    order[t] = u
            orders.append(tuple(order))
        return orders

    def _keeps_order(self, leaves: Sequence[int], members: Sequence[int]) -> bool:
        """Whether the CPUs that a task goes over stand in the same order however we exchange."""
        goes_over = {t for t, _ in self._live_registers(leaves)}
        if not goes_over or leaves[_TASK_CPU[members[0]]] == NO_CPU:
            return True
        own = [self._cpus[t] for t in members]
        for way in permutations(own):
            to = dict(zip(own, way, strict=True))
            for t in goes_over:
                others = [to.get(c, c) for c in range(NR_CPUS) if c != self._cpus[t]]
                if any(a > b for a, b in pairwise(others)):
                    return False
        return True


def _key(leaves: Sequence[int], t: int) -> list[int]:
    """What a task has done, but for what names frames, tasks and CPUs."""
    slots = TASKS[t]
    depth = leaves[slots.depth]
    return [
        *(leaves[slots.state], leaves[slots.ip], depth, leaves[slots.signal]),
        *(leaves[i] for i in slots.reg),
        *(leaves[i] for d in range(depth) for i in (slots.path[d], slots.pc[d])),
    ]
