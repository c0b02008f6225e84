"""The folder of emitted functions: hashes all the way down."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from pagefault.errors import PagefaultError
from pagefault.link import link
from pagefault.link.source import PACKAGE

TEXT = """
    LIMIT = {limit}

    def leaf(st):
        return {leaf}

    def above(st):
        return leaf(st) + 1

    def limited(st, x):
        return min(x, LIMIT)

    def path(st, t):
        x = above(st)
        yield "a"
        return x

    def caller(st, t):
        yield from path(st, t)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("PAGEFAULT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernel"


def modules(kernel) -> dict[str, str]:
    """By function: the name of its file."""
    found = {p.name: p.step for p in kernel.paths if p is not None}
    for name in kernel.symbols.functions:
        found.setdefault(name, None) or found.update({name: kernel.function(name)})
    return {name: Path(f.__code__.co_filename).stem for name, f in found.items()}


def changed(model, before: dict[str, object], after: dict[str, object]) -> set[str]:
    a = modules(model(dedent(TEXT).format(**before)).link())
    b = modules(model(dedent(TEXT).format(**after)).link())
    return {name for name in a if a[name] != b[name]}


def test_a_changed_helper_changes_all_that_call_it(model):
    was = {"limit": 3, "leaf": 1}
    assert changed(model, was, was | {"leaf": 2}) == {"leaf", "above", "path"}


def test_a_changed_constant_changes_what_uses_it(model):
    was = {"limit": 3, "leaf": 1}
    assert changed(model, was, was | {"limit": 4}) == {"limited"}


def test_lines_above_change_nothing(model):
    plain = dedent(TEXT).lstrip().format(limit=3, leaf=1)
    a, b = model(plain).link(), model(f"# a comment\n\n\n{plain}").link()
    assert modules(a) == modules(b)
    assert b.path("path").line == a.path("path").line + 3


def test_a_design_shares_what_it_does_not_touch(folder):
    a, b = modules(link("mainline")), modules(link("linux-6.1"))
    assert a["do_wp_page"] == b["do_wp_page"]
    assert a["gup_must_unshare"] != b["gup_must_unshare"]


def test_files_are_written_once(folder, model):
    m = model(dedent(TEXT).format(limit=10, leaf=20))
    m.link()
    files = {f: f.stat().st_mtime_ns for f in folder.glob("*.py")}
    # The other functions are in this process already, from the folder of another test.
    assert {f.stem[:-17] for f in files} == {"leaf", "above", "limited", "path"}
    m.design('"""D."""\n\n\ndef leaf(st):\n    return 21\n')
    assert {f: f.stat().st_mtime_ns for f in files} == files
    assert len(list(folder.glob("*.py"))) == 7
    assert not list(folder.glob(".new-*"))


def test_a_damaged_file_is_replaced(folder, model):
    text = dedent(TEXT).format(limit=11, leaf=22)
    kernel = model(text).link()
    file = Path(kernel.function("leaf").__code__.co_filename)
    file.write_text("")
    del sys.modules[f"pagefault_kernel.{file.stem}"]
    again = model(f"{text}\n# linked anew\n").link()
    assert again.function("leaf")(None) == 22


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(folder, model):
    folder.mkdir(parents=True)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(PagefaultError, match="PAGEFAULT_CACHE"):
        model(dedent(TEXT).format(limit=12, leaf=23)).link()


def test_a_folder_that_is_a_file(tmp_path, monkeypatch, model):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PAGEFAULT_CACHE", str(tmp_path / "file"))
    with pytest.raises(PagefaultError, match="PAGEFAULT_CACHE"):
        model(dedent(TEXT).format(limit=13, leaf=24)).link()


def test_emission_is_deterministic(tmp_path):
    """The same files whatever the order of Python's sets."""
    listings = []
    for seed in ("0", "1", "2"):
        cache = tmp_path / seed
        code = "from pagefault.link import link; link(); link('linux-5.10')"
        environment = os.environ | {
            "PYTHONHASHSEED": seed,
            "PAGEFAULT_CACHE": str(cache),
            "PYTHONPATH": str(PACKAGE.parent),
        }
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        listings.append({f.name: f.read_text() for f in (cache / "kernel").glob("*.py")})
    assert listings[0] == listings[1] == listings[2]
    assert len(listings[0]) > 100
