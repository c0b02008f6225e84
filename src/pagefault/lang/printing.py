"""A program as text again. `parse(format(program))` equals `program`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pagefault.lang.program import (
    And,
    Arg,
    Atom,
    Cell,
    Condition,
    Expectation,
    Expr,
    FileCell,
    FileName,
    Header,
    Int,
    Memory,
    Mirror,
    Name,
    Not,
    Or,
    Page,
    Pin,
    Pipe,
    Program,
    Range,
    Register,
    Signal,
    Statement,
    Task,
    Words,
)
from pagefault.lang.verbs import VERBS
from pagefault.verdict import GRAINS

__all__ = ["format_condition", "format_program", "format_statement"]


def format_program(program: Program) -> str:
    """The text of a litmus file, in one layout; comments of the original are lost."""
    parts = [_header(program.header)]
    parts += [_task(task, program.pages) for task in program.tasks]
    parts.append(format_condition(program.condition) + "\n")
    return "".join(parts)


def format_statement(statement: Statement, pages: Sequence[str]) -> str:
    """One statement: `h = pin(A, write, longterm)`; `pages` are those of the program."""
    if statement.verb == "user_store":
        cell, value = statement.args
        return f"{_arg(cell)} = {_arg(value)}"
    left = [] if statement.dest is None else [statement.dest.name]
    if statement.verb == "user_load":
        return f"{', '.join(left)} = {_arg(statement.args[0])}"
    verb = VERBS[statement.verb]
    inside, words = [], []
    slots = dict(zip(verb.slots, statement.args, strict=True))
    implied = any(slot.implied in _words(arg) for slot, arg in slots.items() if slot.implied)
    for slot, arg in slots.items():
        if slot is verb.named and not implied:
            left = _given(arg, statement, pages)
        elif slot.shape != "words":
            inside.append(_arg(arg))
    for slot in verb.word_slots:
        words += [word for word in slot.words if word in _words(slots[slot])]
    text = f"{verb.name}({', '.join(inside + words)})"
    return f"{', '.join(left)} = {text}" if left else text


def _words(arg: Arg) -> frozenset[str]:
    return arg.words if isinstance(arg, Words) else frozenset()


def _given(arg: Arg, statement: Statement, pages: Sequence[str]) -> list[str]:
    """The names left of the `=`."""
    if isinstance(arg, Range):
        return list(pages[pages.index(arg.first) : pages.index(arg.last) + 1])
    if isinstance(arg, Page):
        moved = next(a for a in statement.args if isinstance(a, Range))
        size = pages.index(moved.last) - pages.index(moved.first) + 1
        start = pages.index(arg.name)
        return list(pages[start : start + size])
    return [_arg(arg)]


def _arg(arg: Arg) -> str:
    match arg:
        case Range(first, last):
            return first if first == last else f"{first}..{last}"
        case Page(name) | Name(name) | Mirror(name) | FileName(name):
            return name
        case Cell(page, index):
            return f"{page}[{index}]"
        case Pin(name, cell) | Pipe(name, cell):
            return f"{name}[{cell}]" if cell else name
        case FileCell(name, offset):
            return f"{name}[{offset}]"
        case Int(value):
            return str(value)
        case Register():
            return arg.name
        case Words():
            return ", ".join(sorted(arg.words))


def _task(task: Task, pages: Sequence[str]) -> str:
    on = "" if task.cpu is None else f" on cpu {task.cpu}"
    lines = [f"    {format_statement(statement, pages)}\n" for statement in task.statements]
    return f"{task.kind} {task.name}{on} {{\n{''.join(lines)}}}\n"


# The condition.


def format_condition(condition: Condition) -> str:
    """The question: `exists (P:r0 = 1)`."""
    return f"{condition.quantifier} ({_expr(condition.expr)})"


def _expr(expr: Expr, inner: bool = False) -> str:
    match expr:
        case Atom(left, right, equal):
            value = str(right.value) if isinstance(right, Int) else right.name
            return f"{_observed(left)} {'=' if equal else '!='} {value}"
        case Not(operand):
            is_atom = isinstance(operand, Atom)
            return f"~({_expr(operand)})" if is_atom else f"~{_expr(operand, inner=True)}"
        case And(operands):
            text = " /\\ ".join(_expr(operand, inner=True) for operand in operands)
        case Or(operands):
            text = " \\/ ".join(_expr(operand, inner=True) for operand in operands)
    return f"({text})" if inner else text


def _observed(left: Register | Memory | Signal) -> str:
    match left:
        case Register(task, name):
            return f"{task}:{name}"
        case Memory(task, page, cell):
            return f"{task}:{page}[{cell}]"
        case Signal(task):
            return f"{task}:signal"


# The header.


def _header(header: Header) -> str:
    lines = ["+++", f"title = {_string(header.title)}", f"source = {_string(header.source)}"]
    if header.author is not None:
        lines.append(f"author = {_string(header.author)}")
    if header.requires:
        lines.append(f"requires = {_strings(header.requires)}")
    if header.danger is not None:
        lines.append(f"danger = {_string(header.danger)}")
    if header.expect:
        lines.append("[expect]")
    claims: dict[str, list[Expectation]] = {}
    for claim in header.expect:
        claims.setdefault(claim.design, []).append(claim)
    for design, several in claims.items():
        tables = [_claim(claim) for claim in several]
        value = tables[0] if len(tables) == 1 else "[\n    " + ",\n    ".join(tables) + ",\n]"
        lines.append(f"{_string(design)} = {value}")
    return "\n".join([*lines, "+++"]) + "\n"


def _claim(claim: Expectation) -> str:
    grain = "both" if claim.grains == GRAINS else claim.grains[0]
    parts = [f"verdict = {_string(claim.verdict)}", f"grain = {_string(grain)}"]
    if claim.breaks:
        parts.append(f"breaks = {_strings(claim.breaks)}")
    if claim.by is not None:
        parts.append(f"by = {_string(claim.by)}")
    if claim.why is not None:
        parts.append(f"why = {_string(claim.why)}")
    return f"{{ {', '.join(parts)} }}"


def _strings(values: tuple[str, ...]) -> str:
    if len(values) == 1:
        return _string(values[0])
    return f"[{', '.join(_string(value) for value in values)}]"


def _string(value: str) -> str:
    """A TOML basic string; of JSON's escapes only those of TOML can occur."""
    return json.dumps(value, ensure_ascii=False)
