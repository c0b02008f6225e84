"""`pagefault live`: a test on a real kernel, schedule by schedule."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from pagefault.cli.backends import backend_of, risk_option
from pagefault.cli.options import json_option

if TYPE_CHECKING:
    from pagefault.lang import Program
    from pagefault.live import Answers, Backend, Histogram

__all__ = ["live"]

SURPRISE, SKIPPED = 1, 4


@click.command(short_help="A test on a real kernel, schedule by schedule.")
@click.argument("selectors", metavar="[TEST]...", nargs=-1)
@click.option(
    "--kernel",
    "-k",
    default="host",
    show_default=True,
    metavar="K",
    help="The kernel: host, an image by name (see pagefault kernels), or a boot image's path.",
)
@click.option(
    "--stress",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run each test N times with all tasks at once, and print a histogram.",
)
@click.option(
    "--frames", is_flag=True, help="Tell which pages share a frame, where the kernel tells it."
)
@json_option
@click.option("--tap", is_flag=True, help="Print TAP, as the kernel's selftests do.")
@click.option(
    "--max-schedules",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Run at most so many schedules of a test: of more, a sample, always the same.",
)
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), default=1, metavar="N", help="Drivers at a time."
)
@risk_option
def live(
    selectors: tuple[str, ...],
    kernel: str,
    stress: int | None,
    frames: bool,
    as_json: bool,
    tap: bool,
    max_schedules: int,
    jobs: int,
    risk_host: bool,
) -> int:
    """Run each TEST on a real kernel, in every schedule, and print what came of it.

    TEST is a name, a list such as cow, a family such as cow/, a glob, a file, a folder, or - for
    standard input;
    without any, the catalogue. What the kernel cannot do is a skip, with the reason.

    \b
    Observation NAME Never|Sometimes|Always POS NEG
        the schedules that satisfy the condition at their end, and those that do not

    A kernel image that dies of a schedule is a finding: what it said last is printed, and the rest
    goes on in a fresh boot.

    Exit code: 0 done, 1 a schedule hung or the kernel died, 2 an error, 4 every test was skipped.
    """
    from pagefault.lang import select

    if as_json and tap:
        raise click.UsageError("--json and --tap exclude each other")
    backend = backend_of(kernel, jobs, risk_host)
    programs = [entry.program for entry in select(selectors)]
    if stress is not None:
        if as_json or tap or frames:
            raise click.UsageError("--stress prints histograms only")
        return _stress(programs, stress, backend)
    answers = _ask(programs, max_schedules, backend, frames)
    if as_json:
        click.echo(json.dumps(_document(answers, kernel), indent=1))
    else:
        click.echo("\n".join(_tap(answers) if tap else _text(answers)))
    return _exit_code(answers)


def _ask(programs: Sequence[Program], most: int, backend: Backend, frames: bool) -> list[Answers]:
    from pagefault.lang.schedule import sample_schedules
    from pagefault.live import run_many

    work = ((program, sample_schedules(program, most)) for program in programs)
    return list(run_many(work, backend, frames))


def _exit_code(answers: Sequence[Answers]) -> int:
    from pagefault.live import Status

    bad = (Status.HUNG, Status.CRASHED)
    if any(outcome.status in bad for a in answers for outcome in a.outcomes):
        return SURPRISE
    return SKIPPED if all(_skip(a) for a in answers) else 0


def _skip(answers: Answers) -> str:
    """Why there is nothing to judge, "" if there is."""
    from pagefault.live import Status

    if answers.skip:
        return answers.skip
    if all(outcome.status is Status.UNABLE for outcome in answers.outcomes):
        return answers.outcomes[0].why
    return ""


def _verdict(answers: Answers) -> tuple[str, int, int]:
    from pagefault.live import final, verdict_of
    from pagefault.verdict import Verdict

    ends = final(answers.outcomes)
    positive = sum(outcome.holds for outcome in ends)
    verdict = verdict_of(positive, len(ends) - positive) if ends else Verdict.UNKNOWN
    return verdict.value, positive, len(ends) - positive


def _histogram(answers: Answers) -> list[tuple[int, bool, str]]:
    """How often each final state was seen, whether the condition holds in it, and the state."""
    from pagefault.live import final

    counted = Counter((outcome.holds, outcome.values) for outcome in final(answers.outcomes))
    return [(times, held, values) for (held, values), times in sorted(counted.items())]


def _others(answers: Answers) -> dict[str, int]:
    """Schedules that ended otherwise, by the word for it."""
    from pagefault.live import Status

    counted = Counter(outcome.status for outcome in answers.outcomes)
    return {s.value: counted[s] for s in Status if s is not Status.DONE and counted[s]}


def _deaths(answers: Answers) -> list[str]:
    """Each schedule that the kernel died of, and what it said last."""
    from pagefault.lang.schedule import statement_at
    from pagefault.live import Status

    lines = []
    for outcome in answers.outcomes:
        if outcome.status is Status.CRASHED:
            moves = outcome.schedule[: outcome.moves + 1]
            at = f"in move {len(moves)}, {statement_at(answers.program, moves)}"
            if outcome.moves >= len(outcome.schedule):
                at = "after its last move"
            lines.append(f"{','.join(outcome.schedule)} {at}: the kernel died: {outcome.why}")
            lines += [f"| {line}" for line in outcome.console.splitlines()]
    return lines


def _text(answers: Sequence[Answers]) -> list[str]:
    lines = [f"Kernel {answers[0].kernel}"] if answers and answers[0].kernel else []
    for a in answers:
        if skip := _skip(a):
            lines.append(f"Skipped {a.program.name}: {skip}")
            continue
        verdict, positive, negative = _verdict(a)
        lines.append(f"Observation {a.program.name} {verdict} {positive} {negative}")
        for times, held, values in _histogram(a):
            lines.append(f"    {times:<6}{'*' if held else ':'}> {values}")
        lines += [f"    {number} {word}" for word, number in _others(a).items()]
        lines += [f"    {line}" for line in _deaths(a)]
    ran = [a for a in answers if not _skip(a)]
    schedules = sum(len(a.outcomes) for a in ran)
    lines.append(f"{len(ran)} tests, {schedules} schedules; {len(answers) - len(ran)} skipped")
    return lines


def _tap(answers: Sequence[Answers]) -> list[str]:
    lines = ["TAP version 13", f"1..{len(answers)}"]
    for number, a in enumerate(answers, 1):
        bad = {"hung", "crashed"} & _others(a).keys()
        if skip := _skip(a):
            lines.append(f"ok {number} {a.program.name} # SKIP {skip}")
            continue
        verdict, positive, negative = _verdict(a)
        lines.append(f"# {a.program.name}: {verdict} {positive} {negative}")
        lines += [f"# {line}" for line in _deaths(a)]
        lines.append(f"{'not ok' if bad else 'ok'} {number} {a.program.name}")
    return lines


def _document(answers: Sequence[Answers], kernel: str) -> dict[str, Any]:
    from pagefault.report.story import SCHEMA

    tests = [_test_document(a) for a in answers]
    uname = next((a.kernel for a in answers if a.kernel), "")
    return {"schema": SCHEMA, "kind": "live", "kernel": kernel, "uname": uname, "tests": tests}


def _test_document(a: Answers) -> dict[str, Any]:
    if skip := _skip(a):
        return {"name": a.program.name, "skip": skip}
    verdict, positive, negative = _verdict(a)
    outcomes = [
        {
            "schedule": list(outcome.schedule),
            "status": outcome.status.value,
            "moves": outcome.moves,
            "holds": outcome.holds,
            "registers": dict(outcome.registers),
            "signals": dict(outcome.signals),
            "cells": {place: cells and list(cells) for place, cells in outcome.cells.items()},
            "frames": dict(outcome.frames),
            "why": outcome.why,
            "console": outcome.console,
        }
        for outcome in a.outcomes
    ]
    return {
        "name": a.program.name,
        "verdict": verdict,
        "positive": positive,
        "negative": negative,
        "outcomes": outcomes,
    }


def _stress(programs: Sequence[Program], iterations: int, backend: Backend) -> int:
    from pagefault.live import DiedError, SkippedError, run_stress

    ran = died = 0
    for program in programs:
        try:
            histogram: Histogram = run_stress(program, iterations, backend)
        except SkippedError as skip:
            click.echo(f"Skipped {skip.message}")
            continue
        except DiedError as death:
            click.echo(f"Crashed {death.message}\n{death.hint or ''}".rstrip())
            died += 1
            continue
        click.echo(histogram.text)
        ran += 1
    if died:
        return SURPRISE
    return 0 if ran or not programs else SKIPPED
