"""What the documents show is what happens: their examples run, and print what they show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.fixture(scope="module")
def tool(load_tool: Callable[[str], ModuleType]) -> ModuleType:
    return load_tool("run_documents")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_print_what_is_shown(tool: ModuleType, document: Path, tmp_path: Path) -> None:
    differences = tool.run(document, tmp_path)
    assert not differences, "\n\n".join(map(str, differences))


def test_readme_and_contributing_show_commands(tool: ModuleType) -> None:
    """So that the test above can't pass by finding nothing."""
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text()
        found = [c for f in tool.FENCE.finditer(text) for c in tool.commands(f[3], 1)]
        assert any(c.shown for c in found), name


def test_shown_output_is_ascii(tool: ModuleType) -> None:
    """A trace goes into a mail as it is."""
    for document in DOCUMENTS:
        for fence in tool.FENCE.finditer(document.read_text()):
            if fence[1] == "console":
                assert fence[3].isascii(), document


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (("a", "b"), ("a", "b"), True),
        (("a",), ("a", "b"), False),
        (("a", "..."), ("a", "b", "c"), True),
        (("...", "c"), ("a", "b", "c"), True),
        (("a", "...", "c"), ("a", "c"), True),
        (("a", "...", "d"), ("a", "c"), False),
        (("a.b",), ("axb",), False),
        (("5  0.1 s  ok",), ("5 12.3 s  ok",), True),
        (("5  0.1 s  ok",), ("6  0.1 s  ok",), False),
    ],
)
def test_dots_stand_for_lines(
    tool: ModuleType, shown: tuple[str, ...], printed: tuple[str, ...], same: bool
) -> None:
    assert tool.matches(shown, printed) == same


def test_differences_are_written_into_the_document(tool: ModuleType, tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# A\n\n```console\n$ pagefault list\nold\n$ make x\n```\nend\n")
    fence = tool.FENCE.search(document.read_text())
    (command,) = tool.commands(fence[3], 4)
    assert (command.line, command.shown) == (4, ("old",))
    tool.rewrite(document, [tool.Difference(command, ("new", "lines"))])
    assert document.read_text() == (
        "# A\n\n```console\n$ pagefault list\nnew\nlines\n$ make x\n```\nend\n"
    )
