"""The documents name every verb, of the command line and of the language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pagefault.cli.app import app
from pagefault.lang.verbs import VERBS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("verb", sorted(app.commands))
def test_command_is_documented(verb: str) -> None:
    assert any(f"pagefault {verb}" in path.read_text() for path in DOCUMENTS)


@pytest.mark.parametrize("verb", [v for v in VERBS if not VERBS[v].spelling])
def test_verb_of_the_language_is_documented(verb: str) -> None:
    assert f"`{verb}(" in (ROOT / "docs" / "grammar.md").read_text() or (
        f"= {verb}(" in (ROOT / "docs" / "grammar.md").read_text()
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name}: {target}"
