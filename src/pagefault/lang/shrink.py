"""The smallest program that still shows a difference, by leaving things out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pagefault.errors import LitmusError
from pagefault.lang.parse import parse
from pagefault.lang.printing import format_program
from pagefault.lang.program import (
    Atom,
    Code,
    Condition,
    Name,
    Program,
    Range,
    Signal,
    Statement,
    Task,
)

__all__ = ["shrink", "smaller"]

ROUNDS = 60
"""A program has fewer statements, so it ends before."""


def shrink(program: Program, differ: Callable[[Sequence[Program]], Sequence[bool]]) -> Program:
    """A program from which nothing can be left out without losing the difference.

    `differ` says of each of some programs whether it still shows it.
    """
    for _ in range(ROUNDS):
        candidates = list(smaller(program))
        verdicts = differ(candidates)
        kept = [c for c, differs in zip(candidates, verdicts, strict=True) if differs]
        if not kept:
            break
        program = min(kept, key=_size)
    return program


def smaller(program: Program) -> Iterator[Program]:
    """All that mean something and lack one thing: a task, a statement, or pages of a range."""
    seen = {format_program(program)}
    for tasks in _without_a_task(program):
        yield from _valid(program, tasks, seen)
    for tasks in _without_a_statement(program):
        yield from _valid(program, tasks, seen)
    for tasks in _with_a_page_less(program):
        yield from _valid(program, tasks, seen)


def _size(program: Program) -> tuple[int, int, int]:
    statements = sum(len(task.statements) for task in program.tasks)
    return statements, len(program.tasks), len(program.pages)


def _valid(program: Program, tasks: Sequence[Task], seen: set[str]) -> Iterator[Program]:
    """The program with these tasks, if it can be printed and parsed, and is new."""
    if not tasks:
        return
    # The question at its end is of no interest; this one can always be asked.
    condition = Condition("exists", Atom(Signal(tasks[0].name), Code("SIGSEGV")))
    made = replace(program, tasks=tuple(tasks), condition=condition)
    try:
        text = format_program(made)
        if text not in seen:
            seen.add(text)
            yield parse(text, program.name)
    except (LitmusError, KeyError, ValueError):
        return


def _without_a_task(program: Program) -> Iterator[list[Task]]:
    for gone in program.tasks:
        yield [
            replace(
                task, statements=tuple(s for s in task.statements if Name(gone.name) not in s.args)
            )
            for task in program.tasks
            if task is not gone
        ]


def _without_a_statement(program: Program) -> Iterator[list[Task]]:
    for gone_task in program.tasks:
        for gone in range(len(gone_task.statements)):
            left = (*gone_task.statements[:gone], *gone_task.statements[gone + 1 :])
            yield [
                replace(task, statements=left) if task is gone_task else task
                for task in program.tasks
                if left or task is not gone_task
            ]


def _with_a_page_less(program: Program) -> Iterator[list[Task]]:
    """Each range of several pages one shorter, at either end."""
    for changed in program.tasks:
        for n, statement in enumerate(changed.statements):
            for shorter in _shorter(program, statement):
                left = (*changed.statements[:n], shorter, *changed.statements[n + 1 :])
                yield [
                    replace(task, statements=left) if task is changed else task
                    for task in program.tasks
                ]


def _shorter(program: Program, statement: Statement) -> Iterator[Statement]:
    for n, arg in enumerate(statement.args):
        if isinstance(arg, Range) and arg.first != arg.last:
            first, last = program.pages.index(arg.first), program.pages.index(arg.last)
            for less in (
                Range(arg.first, program.pages[last - 1]),
                Range(program.pages[first + 1], arg.last),
            ):
                yield replace(statement, args=(*statement.args[:n], less, *statement.args[n + 1 :]))
