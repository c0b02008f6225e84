"""What `pagefault campaign` does: run it, print the table and the findings, write litmus files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pagefault.campaign import run as running
from pagefault.campaign.findings import MAINLINE, Finding
from pagefault.campaign.run import Campaign, Outcome
from pagefault.cli.checking import progress_bar
from pagefault.cli.options import show, write_file
from pagefault.cli.running import default_workers
from pagefault.explore.paths import MODEL_BUG
from pagefault.report.story import SCHEMA
from pagefault.report.text import trace_text
from pagefault.store import default_path

__all__ = ["run"]

BREAKS = 1

Document = dict[str, Any]


def run(
    campaign: Campaign,
    backend: str,
    jobs: int | None,
    database: Path | None,
    keep: bool,
    as_json: bool,
    litmus: Path | None,
) -> int:
    """Run it, tell what came of it, and return the exit code."""
    total = len(campaign.seeds) * len(campaign.designs)
    with progress_bar(total) as (advance, note):
        shown = 0

        def tell(done: int, words: str) -> None:
            nonlocal shown
            for _ in range(done - shown):
                advance()
            shown = done
            note(words)

        path = (database or default_path()) if keep else None
        outcome = running.run(campaign, path, backend, jobs, default_workers(), tell)
    text = json.dumps(_document(outcome), indent=1) if as_json else "\n".join(_text(outcome))
    show(text, None if litmus is None else lambda: _write(outcome, litmus))
    serious = any(
        finding.design == MAINLINE or finding.promise.startswith(MODEL_BUG)
        for finding in outcome.findings
    )
    return BREAKS if serious else 0


def _write(outcome: Outcome, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for finding in outcome.findings:
        write_file(folder / f"{_file_name(finding)}.litmus", finding.text)


def _text(outcome: Outcome) -> Iterator[str]:
    yield from (_details(outcome))
    yield f"{'design':<32} {'programs':>8} {'broken':>7} {'Unknown':>8} {'states':>10} {'time':>9}"
    for design, sums in outcome.searched.items():
        yield (
            f"{design:<32} {sums.programs:>8} {sums.broken:>7} {sums.unknown:>8}"
            f" {sums.states:>10} {sums.seconds:>7.0f} s"
        )
    yield ""
    if not outcome.findings:
        yield "no promise breaks"
        return
    yield f"{'design':<32} {'promise':<24} {'seed':>6} {'steps':>5} {'states':>6}  to blame"
    for finding in outcome.findings:
        yield (
            f"{finding.design:<32} {finding.promise:<24} {finding.seed:>6}"
            f" {finding.steps:>5} {finding.states:>6}  {_blame(finding)}"
        )


def _details(outcome: Outcome) -> Iterator[str]:
    for finding in outcome.findings:
        yield f"# {finding.design} breaks {finding.promise}: {_blame(finding)}"
        yield ""
        yield finding.text.partition("+++\n")[2].partition("+++\n")[2]
        yield trace_text(finding.trace)


def _blame(finding: Finding) -> str:
    """Whose fault it is: the baseline's, or that of parts."""
    if finding.design == MAINLINE:
        return "mainline"
    if finding.mainline:
        return "mainline breaks it too"
    if not finding.parts:
        return "the design; mainline does not"
    return " or ".join(" + ".join(parts) for parts in finding.parts)


def _file_name(finding: Finding) -> str:
    design = Path(finding.design).stem if "/" in finding.design else finding.design
    promise = re.sub(r"[^a-z0-9-]+", "-", finding.promise.lower())
    return f"{design}+{promise}+{finding.seed}"


def _document(outcome: Outcome) -> Document:
    """The JSON document of a campaign (docs/json.md)."""
    return {
        "schema": SCHEMA,
        "kind": "campaign",
        "designs": [{"name": name, **vars(sums)} for name, sums in outcome.searched.items()],
        "findings": [
            {
                **{k: v for k, v in vars(finding).items() if k != "text"},
                "litmus": finding.text,
                "steps": finding.steps,
            }
            for finding in outcome.findings
        ],
    }
