"""`pagefault list`: the tests."""

from __future__ import annotations

import json

import click

from pagefault.cli.options import json_option

__all__ = ["list_tests"]


@click.command("list", short_help="The tests, and what they claim.")
@click.argument("selectors", metavar="[TEST]...", nargs=-1)
@json_option
def list_tests(selectors: tuple[str, ...], as_json: bool) -> None:
    """List tests: the name, the sentence that says what happens, and the claim about each design.

    TEST is a name, a list such as cow, a family such as cow/, a glob, a file or a folder; without
    any, the catalogue.
    """
    from pagefault.lang import format_condition, select
    from pagefault.report.story import SCHEMA

    entries = select(selectors)
    if as_json:
        tests = [
            {
                "name": entry.name,
                "family": entry.family,
                "title": entry.program.title,
                "source": entry.program.source,
                "condition": format_condition(entry.program.condition),
                "claims": {
                    claim.design: {
                        "verdict": str(claim.verdict),
                        "grains": list(claim.grains),
                        "breaks": list(claim.breaks),
                    }
                    for claim in entry.program.header.expect
                },
            }
            for entry in entries
        ]
        click.echo(json.dumps({"schema": SCHEMA, "kind": "list", "tests": tests}, indent=1))
        return
    for entry in entries:
        click.echo(f"{entry.family}/{entry.name}")
        click.echo(f"    {entry.program.title}")
        for claim in entry.program.header.expect:
            breaks = f", breaks {', '.join(claim.breaks)}" if claim.breaks else ""
            click.echo(f"    {claim.design}: {claim.verdict} ({'+'.join(claim.grains)}){breaks}")
