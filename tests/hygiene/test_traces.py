"""A trace goes into a mail as it is: ASCII, at most 75 columns."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pagefault.cli.app import app
from pagefault.lang import catalogue

BROKEN = [
    (entry.name, claim.design, claim.grains[0])
    for entry in catalogue()
    for claim in entry.program.header.expect
    if claim.breaks
]


@pytest.mark.parametrize(("name", "design", "grain"), BROKEN[::4])
def test_a_trace_goes_into_a_mail(name: str, design: str, grain: str) -> None:
    shown = CliRunner().invoke(app, ["explain", name, "--design", design, "--grain", grain]).output
    assert "breaks" in shown
    assert shown.isascii()
    assert max(map(len, shown.splitlines())) <= 75
