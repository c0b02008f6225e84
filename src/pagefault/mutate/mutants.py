"""What can be left out of the baseline: one statement or one condition at a time.

Every flush, change of a refcount or mapcount, guard, lock and recheck in mm/ and hw/ makes a
mutant: a design that has one function without it. What is ghost state, and so no kernel's, stays.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from pagefault.errors import ModelError
from pagefault.lang.verbs import VERBS
from pagefault.link import Function, Kernel

__all__ = ["KINDS", "Mutant", "mutants"]

KINDS = ("flush", "refcount", "mapcount", "guard", "lock", "recheck")

FOLDERS = ("mm/", "hw/")
NO_KERNEL = ("hw/monitor.py", "hw/choice.py")
"""Files that stand for nothing that a kernel has."""

CALLS = {
    "flush": r".*flush.*|tlb_(drop|gather_mmu|track_range|finish_mmu|remove_table)|load_mm",
    "refcount": r".*_(get|put)|mmput|.*(grab|put)_folio|.*_ref_sub|tlb_remove_folio|.*unpin"
    r"|forget_pin",
    "mapcount": r".*_rmap(_pte)?",
    "lock": r".*(lock|_downgrade)|local_irq_.*|raw_write_seqcount_.*|wait_for_space",
}
"""By kind: which functions do such a thing, by name."""

FIELDS = {
    "refcount": "refcount",
    "mm_users": "refcount",
    "mapcount": "mapcount",
    "tlb_flush_pending": "flush",
    "mmap_lock": "lock",
    "write_protect_seq": "lock",
    "irqs_off": "lock",
    "locked": "lock",
    "mutex": "lock",
    "ptl": "lock",
}
"""By field: what kind of thing a statement does that writes it."""

LOOKS_AGAIN = r"ptep_get|pmdp_get|lockless_pte|gup_fast_(sees|raced)_.*"
"""Functions that read what another CPU may have changed since it was read before."""

GUARDS = ("BLOCKED", "WAITING")


@dataclass(frozen=True)
class Mutant:
    """The baseline's `function` without one thing.

    `deleted` is that thing as text, `line` its line in `file`. `copy` tells apart things of one
    text in one function: 1 for the first. `design` is the text of the design file.
    """

    file: str
    line: int
    function: str
    kind: str
    deleted: str
    copy: int
    design: str = field(repr=False)

    @property
    def name(self) -> str:
        """A name that does not change when lines move: `zap_pte_range: pte_unmap_unlock(...)`."""
        again = f" ({self.copy})" if self.copy > 1 else ""
        return f"{self.function}: {self.deleted}{again}"


def mutants(kernel: Kernel, functions: Collection[str] = ()) -> list[Mutant]:
    """The mutants of `functions`, or of all, in the order of files and lines.

    ModelError if there is no such function.
    """
    run = kernel.reachable(name for name in _entries() if name in kernel.symbols.functions)
    known = {n: f for n, f in kernel.symbols.functions.items() if n in run and _is_of_kernel(f)}
    for name in functions:
        if name not in known:
            raise ModelError(f"there is no function {name} that runs", hint="see mm/ and hw/")
    chosen = [f for name, f in known.items() if not functions or name in functions]
    return [m for f in sorted(chosen, key=lambda f: (f.home, f.line)) for m in _mutants(f)]


def _entries() -> Iterator[str]:
    """Where a kernel begins to run: when it boots, when a task gets a CPU, and at each verb."""
    yield from ("boot_kernel", "boot_mm", "switch_to")
    for verb in VERBS:
        yield from (verb, f"sys_{verb}")


def _is_of_kernel(function: Function) -> bool:
    return function.home.startswith(FOLDERS) and function.home not in NO_KERNEL


def _mutants(function: Function) -> Iterator[Mutant]:
    seen: dict[str, int] = {}
    waited = False
    for number, (block, at) in enumerate(_statements(function.node)):
        waited = waited or _waits(block[at])
        if _is_of_a_broken_kernel(block[:at]):
            continue
        for cut in _cuts(block[at], waited):
            seen[cut.deleted] = seen.get(cut.deleted, 0) + 1
            yield Mutant(
                file=function.home,
                line=cut.line,
                function=function.name,
                kind=cut.kind,
                deleted=cut.deleted,
                copy=seen[cut.deleted],
                design=_design(function, number, cut),
            )


def _statements(function: ast.FunctionDef) -> Iterator[tuple[list[ast.stmt], int]]:
    """Every statement of a function as block and position, in the order of the text."""
    todo: list[tuple[list[ast.stmt], int]] = [(function.body, 0)]
    while todo:
        block, at = todo.pop()
        if at == len(block):
            continue
        yield block, at
        todo.append((block, at + 1))
        node = block[at]
        if isinstance(node, ast.If | ast.While | ast.For):
            todo += [(node.orelse, 0), (node.body, 0)]


def _waits(node: ast.stmt) -> bool:
    """Whether others may run at a statement, which is not one of several parts."""
    if isinstance(node, ast.If | ast.While | ast.For):
        return False
    return any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node))


def _is_of_a_broken_kernel(before: list[ast.stmt]) -> bool:
    """What stands behind break_promise() runs only when the kernel is found out already."""
    return any(_called(statement) == "break_promise" for statement in before)


@dataclass(frozen=True)
class _Cut:
    kind: str
    deleted: str
    line: int
    left: tuple[ast.stmt, ...] = ()
    """What stands there instead."""


def _cuts(node: ast.stmt, waited: bool) -> Iterator[_Cut]:
    """What of a statement can be left out. `waited`: others may have run before it."""
    match node:
        case ast.While(test=test) if _is_guard(node):
            yield _Cut("guard", f"while {ast.unparse(test)}", node.lineno)
        case ast.Expr():
            if kind := _kind_of_call(_called(node)):
                yield _Cut(kind, ast.unparse(node), node.lineno)
        case ast.Assign(targets=[ast.Name() as target], value=ast.YieldFrom()):
            if _kind_of_call(_called(node)) == "lock":  # who asks is told that it has the lock
                had = ast.Assign([target], ast.Constant(1))
                yield _Cut("lock", ast.unparse(node), node.lineno, (had,))
        case ast.Assign(targets=[target], value=value) | ast.AugAssign(target=target, value=value):
            if kind := _kind_of_target(target, value):
                yield _Cut(kind, ast.unparse(node), node.lineno)
        case ast.If():
            yield from _cuts_of_if(node, waited)


def _is_guard(node: ast.While) -> bool:
    match node.body:
        case [ast.Expr(value=ast.Yield(value=ast.Name(id=word)))]:
            return word in GUARDS
    return False


def _called(node: ast.stmt) -> str:
    """The function that a statement calls, as `f(...)`, `yield from f(...)` or `x = ...` of it."""
    match node:
        case ast.Expr(value=value) | ast.Assign(value=value):
            call = value.value if isinstance(value, ast.YieldFrom) else value
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                return call.func.id
    return ""


def _kind_of_call(name: str) -> str:
    return next((kind for kind, names in CALLS.items() if re.fullmatch(names, name)), "")


def _kind_of_target(target: ast.expr, value: ast.expr) -> str:
    match target:
        case ast.Attribute(attr=attr):
            return FIELDS.get(attr, "")
        case ast.Subscript(value=ast.Attribute(attr="tlb")):
            return "flush" if isinstance(value, ast.Constant) and value.value == 0 else ""
    return ""


def _cuts_of_if(node: ast.If, waited: bool) -> Iterator[_Cut]:
    """A question whether to flush: never. A look again: as if nothing had changed meanwhile."""
    if any(_kind_of_call(name) == "flush" for name in _names(node.test)):
        yield _Cut("flush", f"if {ast.unparse(node.test)}", node.lineno, tuple(node.orelse))
    elif not waited:
        return
    elif not isinstance(node.test, ast.BoolOp):
        if _looks_again(node.test):
            gives_up = isinstance(node.body[-1], ast.Return | ast.Break | ast.Continue)
            left = node.orelse if gives_up else node.body
            yield _Cut("recheck", f"if {ast.unparse(node.test)}", node.lineno, tuple(left))
    else:
        for operand in node.test.values:
            if _looks_again(operand):
                others = [other for other in node.test.values if other is not operand]
                test = others[0] if len(others) == 1 else ast.BoolOp(node.test.op, others)
                left_if = ast.If(test, node.body, node.orelse)
                yield _Cut("recheck", ast.unparse(operand), operand.lineno, (left_if,))


def _names(test: ast.expr) -> set[str]:
    """The functions that a condition calls."""
    calls = (n.func for n in ast.walk(test) if isinstance(n, ast.Call))
    return {f.id for f in calls if isinstance(f, ast.Name)}


def _looks_again(test: ast.expr) -> bool:
    if any(re.fullmatch(LOOKS_AGAIN, name) for name in _names(test)):
        return True
    for node in ast.walk(test):
        if isinstance(node, ast.Name) and node.id == "locked":
            return True
        if isinstance(node, ast.Attribute) and node.attr == "refcount":
            return True
    return False


def _design(function: Function, number: int, cut: _Cut) -> str:
    """The text of the design that has the function with statement `number` cut."""
    node = copy.deepcopy(function.node)
    block, at = list(_statements(node))[number]
    block[at : at + 1] = copy.deepcopy(cut.left)
    if function.is_generator and not any(
        isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node)
    ):
        block.insert(at, ast.Expr(ast.Yield(ast.Constant("mutant"))))
    if not block:
        block.append(ast.Pass())
    text = ast.unparse(ast.fix_missing_locations(node))
    return f'"""{function.name}() without: {cut.kind}, line {cut.line}."""\n\n\n{text}\n'
