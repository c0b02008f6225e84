"""`pagefault designs`: the kernels."""

from __future__ import annotations

import json

import click

from pagefault.cli.options import json_option

__all__ = ["designs"]


@click.command(short_help="The kernels there are, and the idea of each.")
@json_option
def designs(as_json: bool) -> None:
    """List the designs: name, how many functions each replaces, and its idea.

    A design is a file with the functions that differ from mainline, Linux 6.12. A part is one idea
    or one commit that designs are made of; it can be named as a design as well.
    """
    from pagefault.link import designs as all_designs
    from pagefault.link import link
    from pagefault.report.story import SCHEMA

    rows = [(info, link(info.name)) for info in all_designs()]
    if as_json:
        found = [
            {
                "name": info.name,
                "idea": info.idea,
                "is_part": info.is_part,
                "parts": list(kernel.parts),
                "overrides": {
                    name: function.home for name, function in sorted(kernel.overrides.items())
                },
                "not_promised": sorted(kernel.not_promised),
            }
            for info, kernel in rows
        ]
        click.echo(json.dumps({"schema": SCHEMA, "kind": "designs", "designs": found}, indent=1))
        return
    width = max(len(info.name) for info, _ in rows)
    for title, are_parts in (("designs", False), ("parts", True)):
        click.echo(f"{title:<{width}}  replaces  idea")
        for info, kernel in rows:
            if info.is_part == are_parts:
                click.echo(f"{info.name:<{width}}  {len(kernel.overrides):>8}  {info.idea}")
        click.echo()
