"""What `pagefault check` does: plan the searches, run them, print lines, details and a summary."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import click

from pagefault.cli.known import known_before
from pagefault.cli.running import Job, Outcome, default_workers, run_all, shown_name
from pagefault.errors import DesignError
from pagefault.explore.search import Budget
from pagefault.lang import Entry, Expectation, Program, select
from pagefault.link import designs as all_designs
from pagefault.link import link
from pagefault.report.story import SCHEMA, result_document, trace_document
from pagefault.report.text import observation, trace_text
from pagefault.verdict import GRAINS

__all__ = ["claim_document", "entries", "exit_code", "plan", "progress_bar", "run"]

SURPRISE, UNKNOWN, SKIPPED = 1, 3, 4

_VERDICT = len("Observation ") + len(" Sometimes 9 9")


def entries(selectors: Sequence[str], core: bool) -> list[Entry]:
    """The tests that the selectors name; of those, the core of the catalogue if `core`."""
    if not core:
        return select(selectors)
    chosen = {entry.path.resolve() for entry in select(selectors)}
    return [entry for entry in select(["core"]) if entry.path.resolve() in chosen]


def plan(
    entries: Iterable[Entry],
    designs: Sequence[str],
    grain: str | None,
    properties: Sequence[str],
    budget: Budget,
) -> list[Job]:
    """The searches to make, in the order of the tests and of their claims."""
    # An unknown design is an error at once, not after half the catalogue.
    wanted = _wanted(designs)
    known = {info.name for info in all_designs()} | wanted.keys()
    return [
        Job(
            program=entry.program,
            design=wanted.get(name, name),
            grain=g,
            claim=next((claim for claim in claims if g in claim.grains), None),
            properties=tuple(properties) or None,
            budget=budget,
            shown=name,
        )
        for entry in entries
        for name, claims in _claims(entry.program, tuple(wanted), known)
        for g in _grains(claims, grain, asked_for=bool(wanted))
    ]


def _workers(jobs: Sequence[Job]) -> int:
    """One test is searched sooner than other processes have started, and Ctrl-C finds it whole."""
    return default_workers() if len({id(job.program) for job in jobs}) > 1 else 1


def _wanted(designs: Sequence[str]) -> dict[str, str]:
    """The designs that were asked for, by the name that is shown and that claims are about."""
    wanted: dict[str, str] = {}
    for design in designs:
        name = shown_name(design)
        if link(wanted.setdefault(name, design)) is not link(design):
            raise DesignError(
                f"two designs are called {name}: {wanted[name]} and {design}",
                hint="a design has the name of its file: rename one of them",
            )
    return wanted


def _claims(
    program: Program, wanted: Sequence[str], known: Collection[str]
) -> list[tuple[str, list[Expectation]]]:
    """The designs to run a test under, each with the test's claims about it."""
    claims: dict[str, list[Expectation]] = {}
    for claim in program.header.expect:
        claims.setdefault(claim.design, []).append(claim)
        if claim.design not in known:
            raise claim.at.error(
                f"[expect] names the design {claim.design!r}, which does not exist",
                hint="`pagefault designs` lists them",
            )
    if wanted:
        return [(name, claims.get(name, [])) for name in wanted]
    return list(claims.items())


def _grains(claims: Sequence[Expectation], grain: str | None, asked_for: bool) -> Sequence[str]:
    """The grains to search at: those of the claims unless somebody asks for others."""
    if claims and (grain is None or not asked_for):
        claimed = {g for claim in claims for g in claim.grains}
        return [g for g in GRAINS if g in claimed and grain in (None, "both", g)]
    return GRAINS if grain in (None, "both") else (grain,)


def run(
    jobs: Sequence[Job],
    as_json: bool,
    workers: int | None,
    tests: Sequence[Entry] = (),
    grain: str | None = None,
    *,
    again: bool = True,
) -> int:
    """Make the searches, print what came out, and return the exit code.

    `tests` and `grain` are what was asked for: they say why there is nothing to do. Unless
    `again`, what is known of earlier runs is not searched.
    """
    outcomes = []
    name = max((len(job.program.name) for job in jobs), default=0)
    design = max((len(job.shown) for job in jobs), default=0)
    with progress_bar(len(jobs)) as (advance, note), known_before(again) as known:
        for outcome in run_all(jobs, workers or _workers(jobs), known, note):
            outcomes.append(outcome)
            if not as_json:
                click.echo(_line(outcome, name, design))
            advance()
    if as_json:
        click.echo(json.dumps(_document(outcomes), indent=1))
    else:
        for outcome in outcomes:
            if outcome.surprises:
                click.echo(_detail(outcome))
        click.echo(_summary(outcomes) if outcomes else _nothing(tests, grain))
        for shown in sorted({job.shown for job in jobs if job.shown == str(job.design)}):
            if shown.endswith(".py"):
                click.echo(f"{shown} is not the shipped design of this name: no claim is about it")
    return exit_code(outcomes)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """What the outcomes say to a script: a surprise, a budget that ended, nothing done, or 0."""
    if any(outcome.surprises for outcome in outcomes):
        return SURPRISE
    if any(not outcome.result.complete for outcome in outcomes):
        return UNKNOWN
    return 0 if outcomes else SKIPPED


# --- what is printed ------------------------------------------------------------------------------


def _line(outcome: Outcome, name: int, design: int) -> str:
    """The Observation line; `name` and `design` are the widths of those columns."""
    result = outcome.result
    left = observation(result_document(result))
    breaks = f"[{', '.join(result.breaches)}] " if result.breaches else ""
    seconds = "known" if outcome.known else f"{result.seconds:.1f} s"
    return (
        f"{left:<{name + _VERDICT}}  {result.design:<{design}}  {result.grain:<4}"
        f" {result.states:>7}  {seconds:>8}  {breaks}{_mark(outcome)}"
    )


def _mark(outcome: Outcome) -> str:
    if outcome.surprises:
        return click.style("SURPRISE", fg="red", bold=True)
    if not outcome.result.complete:
        return click.style(f"Unknown: {outcome.result.unknown_reason}", fg="yellow")
    return "no claim" if outcome.job.claim is None else click.style("ok", fg="green")


def _detail(outcome: Outcome) -> str:
    """What surprises, with the trace that shows it."""
    result = outcome.result
    lines = ["", f"SURPRISE {result.test} under {result.design}, grain {result.grain}"]
    lines += [f"  {surprise.sentence}" for surprise in outcome.surprises]
    claim = outcome.job.claim
    if claim is not None and (claim.by or claim.why):
        lines.append("  the claim" + (f" is by {claim.by}" if claim.by else ""))
        lines[-1] += f": {claim.why}" if claim.why else ""
    shown = []
    for surprise in outcome.surprises:
        if surprise.trace is not None and surprise.trace.shows not in shown:
            shown.append(surprise.trace.shows)
            lines += ["", trace_text(trace_document(result, surprise.trace)).rstrip()]
    return "\n".join(lines)


def _summary(outcomes: Sequence[Outcome]) -> str:
    surprises = sum(1 for o in outcomes if o.surprises)
    unknown = sum(1 for o in outcomes if not o.surprises and not o.result.complete)
    unclaimed = sum(1 for o in outcomes if _is_unclaimed(o))
    claimed = len(outcomes) - surprises - unknown - unclaimed
    parts = [
        f"{claimed} as claimed",
        _count(surprises, "surprise"),
    ]
    if unknown:
        parts.append(f"{unknown} Unknown")
    if unclaimed:
        parts.append(f"{unclaimed} without a claim")
    known = sum(o.known for o in outcomes)
    states = sum(o.result.states for o in outcomes if not o.known)
    seconds = sum(o.result.seconds for o in outcomes if not o.known)
    checks = _count(len(outcomes), "check")
    text = f"\n{checks}: {', '.join(parts)}; {_count(states, 'state')} in {seconds:.1f} s"
    return f"{text}; {known} known before (--again searches them)" if known else text


def _nothing(tests: Sequence[Entry], grain: str | None) -> str:
    """Why there was nothing to check."""
    if not tests:
        return "nothing to check: none of these tests is in the core (litmus/core.txt)"
    names = tests[0].name if len(tests) == 1 else f"none of {len(tests)} tests"
    makes = f"{names} makes no claim" if len(tests) == 1 else f"{names} makes a claim"
    at = "" if grain in (None, "both") else f" at grain {grain}"
    return f"nothing to check: {makes}{at}\nhint: name a design: --design mainline"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _is_unclaimed(outcome: Outcome) -> bool:
    return outcome.job.claim is None and not outcome.surprises and outcome.result.complete


def _document(outcomes: Iterable[Outcome]) -> dict[str, object]:
    """The JSON document of a check (docs/json.md)."""
    return {
        "schema": SCHEMA,
        "kind": "check",
        "results": [
            {
                **result_document(outcome.result),
                "known": outcome.known,
                "claim": claim_document(outcome.job.claim),
                "surprises": [
                    {
                        "kind": surprise.kind,
                        "sentence": surprise.sentence,
                        "trace": None
                        if surprise.trace is None
                        else trace_document(outcome.result, surprise.trace),
                    }
                    for surprise in outcome.surprises
                ],
            }
            for outcome in outcomes
        ],
    }


def claim_document(claim: Expectation | None) -> dict[str, object] | None:
    """A claim as the JSON documents have it."""
    if claim is None:
        return None
    return {
        "verdict": str(claim.verdict),
        "grains": list(claim.grains),
        "breaks": list(claim.breaks),
        "by": claim.by,
        "why": claim.why,
    }


@contextmanager
def progress_bar(total: int) -> Iterator[tuple[Callable[[], None], Callable[[str], None]]]:
    """A bar on stderr if that is a terminal; gives what advances it and what writes beside it."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda: None, lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield (
            lambda: progress.advance(task),
            lambda text: progress.update(task, description=text),
        )
