"""Verdict lines and traces as plain text: ASCII, at most 75 columns, ready for a mail."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

from pagefault.verdict import Verdict

__all__ = ["WIDTH", "observation", "result_text", "trace_text"]

WIDTH = 75

_NUMBER = 4  # columns for the number of the step and a space
_KERNEL = 39  # where the kernel's column starts
_FEW_TASKS = 3  # with more, whose names do not fit, the kernel's lines go below the statement
_NARROW = 5  # columns that a task needs at least

_GLUE = "\0"  # stands for a space that is no place to break

Document = dict[str, Any]


def observation(result: Document) -> str:
    """The verdict as herd7 prints it: `Observation NAME Sometimes 3 1`."""
    return (
        f"Observation {result['test']} {result['verdict']}"
        f" {result['positive']} {result['negative']}"
    )


def trace_text(trace: Document) -> str:
    """A trace document (see story.py) as text."""
    lines = [*_head(trace), ""]
    tasks: list[str] = trace["tasks"]
    narrow = (_KERNEL - _NUMBER) // len(tasks)
    below = len(tasks) > _FEW_TASKS and (
        narrow < _NARROW or any(len(task) >= narrow for task in tasks)
    )
    width = (WIDTH - _NUMBER if below else _KERNEL - _NUMBER) // len(tasks)
    starts = {task: _NUMBER + i * width for i, task in enumerate(tasks)}
    header = ""
    for task in tasks:
        header = f"{header:<{starts[task]}}{task[: width - 1]}"
    lines.append(header if below else f"{header:<{_KERNEL}}kernel")
    for step in _rows(trace["steps"]):
        lines += _step(step, starts[step["task"]], below)
    lines += ["", *_end(trace)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def result_text(result: Document, prop: str | None) -> str:
    """What to say where there is no trace: that `prop` holds, or that no state was final."""
    if result["unknown_reason"]:
        says = f"nothing found yet: the search ended at {result['unknown_reason']}"
    elif prop is not None:
        says = f"{prop} holds in every state"
    else:
        says = "no schedule reaches a final state"
    return "\n".join([*_verdict(result), *_wrap(says, "", "  ")]) + "\n"


def _head(trace: Document) -> Iterator[str]:
    yield from _verdict(trace)
    shows: str = trace["shows"]
    if shows == "witness":
        yield "a shortest way to a final state that satisfies the condition"
        if trace["verdict"] == str(Verdict.ALWAYS):
            yield "  (every schedule ends in such a state)"
    elif shows == "counterexample":
        yield "a shortest way to a final state that does not satisfy the condition"
        if trace["verdict"] == str(Verdict.NEVER):
            yield "  (no schedule ends in one that does)"
    elif shows in trace["bugs"]:
        yield from _wrap(f"{shows}: the model met an impossible situation", "", "  ")
    else:
        yield from _wrap(f"breaks {shows}: {trace['sentence']}", "", "  ")
        others = [name for name in trace["breaks"] if name != shows]
        if others:
            yield from _wrap(f"and, in traces of their own, {', '.join(others)}", "  ", "  ")
    if trace["detail"]:
        yield from _wrap(trace["detail"], "  ", "  ")


def _verdict(trace: Document) -> Iterator[str]:
    left = observation(trace)
    right = f"design {trace['design']}, grain {trace['grain']}, {_count(trace['states'], 'state')}"
    if trace["unknown_reason"]:
        right += ", not all"
    if len(left) + 3 + len(right) <= WIDTH:
        yield f"{left}   {right}"
    else:
        yield from _wrap(left, "", "  ")
        yield from _wrap(right, "  ", "  ")
    for stuck in trace["stuck"]:
        yield from _wrap(f"some final state leaves waiting for ever: {stuck}", "  ", "  ")


def _rows(steps: list[Document]) -> Iterator[Document]:
    """Steps of one statement that nobody interrupted, as one row under the last one's number."""
    row: Document | None = None
    for step in steps:
        if row is not None and row["task"] == step["task"] and not row["ends"]:
            row = _joined(row, step)
            continue
        if row is not None:
            yield row
        row = step
    if row is not None:
        yield row


def _joined(first: Document, second: Document) -> Document:
    changes = {change["subject"]: change for change in first["changes"]}
    for change in second["changes"]:
        earlier = changes.pop(change["subject"], change)
        if earlier["before"] != change["after"]:
            changes[change["subject"]] = {**change, "before": earlier["before"]}
    functions = first["functions"] + second["functions"]
    return {
        **second,
        "begins": first["begins"],
        "functions": [f for f, g in zip(functions, [None, *functions], strict=False) if f != g],
        "decisions": first["decisions"] + second["decisions"],
        "choices": first["choices"] + second["choices"],
        "changes": list(changes.values()),
    }


def _step(step: Document, start: int, below: bool) -> Iterator[str]:
    number = f"{step['number']:>{_NUMBER - 1}} "
    kernel = list(_kernel(step))
    text = step["statement"] if step["begins"] else "..."
    if step["ends"] and step["value"] is not None:
        text += f" -> {step['value']}"
    start = max(_NUMBER, min(start, WIDTH - len(text)))  # a long one moves left to fit
    first = f"{number:<{start}}{text}"
    indent = 8 if below else _KERNEL
    if len(first) > WIDTH:
        yield from _wrap_statement(text, f"{number:<{start}}", " " * (_NUMBER + 2))
    elif not below and len(first) < _KERNEL - 1 and kernel:
        head = kernel.pop(0)
        wrapped = list(_wrap(head, "", "  ", WIDTH - _KERNEL))
        yield f"{first:<{_KERNEL}}{wrapped[0]}"
        for line in wrapped[1:]:
            yield " " * _KERNEL + line
    else:
        yield first
    for line in kernel:
        yield from _wrap(line, " " * indent, " " * (indent + 2))


def _kernel(step: Document) -> Iterator[str]:
    """What the kernel did in a step: where, what the design decided, what changed."""
    at = step["at"]
    functions = [f for f in step["functions"] if at is None or f != at["function"]]
    if functions:
        yield ", ".join(functions)
    if at is not None:
        yield f"{at['function']}: {at['label']}" if at["label"] else at["function"]
    for decision in step["decisions"]:
        yield f"{decision['function']} = {decision['value']}"
    for change in sorted(step["changes"], key=lambda change: _rank(change["subject"])):
        yield f"{change['subject']}: {change['after'] or _gone(change['subject'])}"


def _rank(subject: str) -> tuple[int, str]:
    """The order in which changes are told: PTEs, TLBs, holders, folios with their data, signals."""
    if subject.startswith("folio "):
        return 3, subject
    if subject.endswith(" signal"):
        return 4, ""
    return (1 if " TLB " in subject else 0 if ":" in subject else 2), ""


def _gone(subject: str) -> str:
    """What to say of a subject of which there is nothing to say any more."""
    if " TLB " in subject:
        return "no longer stale"
    return "free" if subject.startswith("folio ") else "none"


def _end(trace: Document) -> Iterator[str]:
    shows: str = trace["shows"]
    what = shows if shows in ("witness", "counterexample") else f"{shows} is broken"
    yield f"In the end ({what}):"
    rows = [(row["subject"], row["state"]) for row in trace["end"]]
    rows += [(name, value) for name, value in trace["registers"].items()]
    width = max((len(subject) for subject, _ in rows), default=0) + 2
    for subject, state in rows:
        yield from _wrap(state, f"  {subject:<{width}}", " " * (width + 4))


def _wrap(text: str, first: str, rest: str, width: int = WIDTH) -> Iterator[str]:
    """Lines of at most `width` columns; a word that is longer is broken."""
    yield from textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
    ) or [first]


def _wrap_statement(text: str, first: str, rest: str) -> Iterator[str]:
    """Lines of a statement, broken behind commas if that is enough."""
    glued = re.sub(r"(?<!,) ", _GLUE, text)
    fits = all(len(rest) + len(word) <= WIDTH for word in glued.split())
    for line in _wrap(glued if fits else text, first, rest):
        yield line.replace(_GLUE, " ")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
