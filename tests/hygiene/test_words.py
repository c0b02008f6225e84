"""Words: the glossary in identifiers and docstrings, and what no tracked file may say."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "pagefault"
MODEL = [PACKAGE / name for name in ("hw", "mm", "designs")]

# Not this, say that. Whole words of an identifier, lower case.
INSTEAD = {
    "frame_id": "pfn",
    "frame_number": "pfn",
    "page_frame": "pfn",
    "page_number": "pfn or vpn",
    "phys_page": "pfn",
    "virt_page": "vpn",
    "page_table_entry": "pte",
    "addr_space": "mm",
    "copy_on_write": "cow",
    "ref_count": "refcount",
    "pin_count": "pincount",
    "shootdown": "flush",
    "interleaving": "schedule",
}


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout: there is no list of tracked files")
    return [ROOT / name for name in listing.stdout.split("\0") if (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_identifiers_use_the_glossary(path: Path) -> None:
    for line, name in identifiers(ast.parse(path.read_text())):
        for bad, good in INSTEAD.items():
            words = f"_{name.lower()}_"
            assert f"_{bad}_" not in words, f"{path}:{line}: {name}: say {good}, not {bad}"


def test_docstrings_of_the_model_say_which_lock() -> None:
    for path in (p for folder in MODEL for p in sorted(folder.rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.Module):
                for line in (ast.get_docstring(node) or "").splitlines():
                    vague = re.search(r"\b[Tt]he lock\b(?! of)", line)
                    assert not vague, f"{path}: {line.strip()!r}: PTL, mmap_lock, folio lock?"


def test_no_code_asks_which_design_runs() -> None:
    """A design differs by the functions that it replaces, never by a branch in shared code."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(o, ast.Eq) for o in node.ops):
                names = {
                    ast.unparse(side).rpartition(".")[2] for side in (node.left, *node.comparators)
                }
                literal = any(
                    isinstance(side, ast.Constant) and isinstance(side.value, str)
                    for side in (node.left, *node.comparators)
                )
                assert not (literal and "design" in names), f"{path}:{node.lineno}"


def test_tracked_files_name_no_machine_and_no_registry() -> None:
    folders = "|".join(["home", "root", "work", "Users", "opt"])
    hosts = "|".join([r"pypi\.org", r"pythonhosted\.org", r"deb\.debian\.org", r"npmjs\.(org|com)"])
    forbidden = re.compile(rf"(?<![\w.~}}/-])/({folders})/\w|\b({hosts})\b")
    for path in tracked():
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            assert not forbidden.search(line), f"{path}:{number}: {line.strip()}"


@pytest.mark.parametrize("folder", ["src", "tests", "tools"])
def test_files_stay_small_enough_to_read(folder: str) -> None:
    """One concept per file. When a model file passes 600 lines, follow how the kernel split it."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        limit = 600 if any(path.is_relative_to(m) for m in MODEL) else 700
        lines = len(path.read_text().splitlines())
        assert lines <= limit, f"{path} has {lines} lines, more than {limit}"
