"""A result as a document: what the JSON output holds, and what the text is printed from.

The schema (`SCHEMA`) is described in docs/json.md. A field may be added without a new number; a
field that changes its meaning or goes away makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pagefault.explore.condition import code_name
from pagefault.explore.engine import TASKS
from pagefault.explore.paths import Result, Step, Trace
from pagefault.report.picture import Picture, Pictures

__all__ = ["SCHEMA", "result_document", "trace_document"]

SCHEMA = 1

Document = dict[str, Any]


def result_document(result: Result) -> Document:
    """A result without its traces: verdict, counts, and the names of what broke."""
    return {
        "test": result.test,
        "design": result.design,
        "grain": result.grain,
        "verdict": str(result.verdict),
        "positive": result.positive,
        "negative": result.negative,
        "states": result.states,
        "transitions": result.transitions,
        "depth": result.depth,
        "seconds": round(result.seconds, 3),
        "breaks": [name for name in result.breaches if name not in result.bugs],
        "bugs": list(result.bugs),
        "unknown_reason": result.unknown_reason,
        "stuck": list(result.stuck),
    }


def trace_document(result: Result, trace: Trace) -> Document:
    """A trace of a result, step by step, with what each step changed and how all stood in the end.

    Statements are quoted as the program has them; kernel functions by name; the state in words.
    """
    program = result.program
    pictures = Pictures(program)
    before = pictures.draw(trace.initial)
    steps = []
    begun: set[tuple[int, int]] = set()
    for number, step in enumerate(trace.steps, start=1):
        after = pictures.draw(step.after)
        begins = (step.task, step.statement) not in begun
        begun.add((step.task, step.statement))
        dest = program.tasks[step.task].statements[step.statement].dest
        value = step.returned
        if value is not None and dest is None and value >= 0:
            value = None
        steps.append(
            {
                "number": number,
                "task": program.tasks[step.task].name,
                "statement": step.text,
                "begins": begins,
                "ends": step.returned is not None,
                "value": None if value is None else code_name(value),
                "functions": list(_functions(pictures, step, after)),
                "decisions": [{"function": d.function, "value": d.value} for d in step.decisions],
                "from": step.from_label or None,
                "at": {"function": step.stack[-1], "label": step.to_label} if step.stack else None,
                "stack": list(step.stack),
                "choices": list(step.choices),
                "changes": [
                    {"subject": subject, "before": old, "after": new}
                    for subject, old, new in _changes(before, after)
                ],
            }
        )
        before = after
    return {
        **result_document(result),
        "title": program.title,
        "source": program.source,
        "shows": trace.shows,
        "sentence": trace.sentence,
        "detail": trace.detail,
        "tasks": [task.name for task in program.tasks],
        "steps": steps,
        "end": [{"subject": subject, "state": text} for subject, text in before.items()],
        "registers": _registers(result, trace),
    }


def _functions(pictures: Pictures, step: Step, after: Picture) -> Iterator[str]:
    """The paths that changed something a reader can see, in order."""
    if not step.visits:
        return
    last = ""
    ends = [*(pictures.draw(visit.before) for visit in step.visits[1:]), after]
    for visit, picture in zip(step.visits, ends, strict=True):
        if visit.path != last and pictures.draw(visit.before) != picture:
            last = visit.path
            yield visit.path


def _changes(before: Picture, after: Picture) -> Iterator[tuple[str, str | None, str | None]]:
    """What is new or different, then what is gone; the data of a folio goes with the folio."""
    for subject, text in after.items():
        if before.get(subject) != text:
            yield subject, before.get(subject), text
    for subject, text in before.items():
        if subject not in after:
            folio, is_data, _ = subject.partition(" data")
            if not is_data:
                yield subject, text, None
            elif folio in after:
                yield subject, text, "0 0 0 0"


def _registers(result: Result, trace: Trace) -> dict[str, str]:
    """The registers that the program assigns, as they stand at the end."""
    return {
        f"{task.name}:{dest.name}": code_name(trace.last[TASKS[t].reg[dest.index]])
        for t, task in enumerate(result.program.tasks)
        for dest in dict.fromkeys(s.dest for s in task.statements if s.dest is not None)
    }
