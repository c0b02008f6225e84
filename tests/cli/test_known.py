"""What was found out before is told again, and only as long as nothing has changed."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from pagefault.cli.app import app
from pagefault.link import BASELINE, identity

TEST = "cow+fork+child-dontneed"


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Runs `pagefault check --json` with a database of its own; gives exit code and results."""
    monkeypatch.delenv("PAGEFAULT_AGAIN", raising=False)
    monkeypatch.setattr("pagefault.cli.known.default_path", lambda: tmp_path / "results.sqlite")

    def run(*words: str):
        done = CliRunner().invoke(app, ["check", "--json", *words], standalone_mode=False)
        return done.return_value, json.loads(done.stdout)["results"]

    return run


def plain(results):
    return [{k: v for k, v in r.items() if k not in ("known", "seconds")} for r in results]


def test_the_second_run_says_what_the_first_did(check):
    first, second = check(TEST), check(TEST)
    assert plain(first[1]) == plain(second[1])
    assert [r["known"] for r in first[1]] == [False] * len(first[1])
    assert [r["known"] for r in second[1]] == [True] * len(second[1])
    assert first[0] == second[0] == 0


def test_again_searches(check):
    check(TEST, "-d", "mainline")
    _, results = check(TEST, "-d", "mainline", "--again")
    assert not any(result["known"] for result in results)


@pytest.mark.parametrize(
    "other",
    [("--grain", "step"), ("--property", "counts"), ("--max-states", "400"), ("-d", "linux-5.10")],
)
def test_another_question_is_searched(check, other):
    check(TEST, "-d", "mainline", "--grain", "op")
    _, results = check(TEST, "-d", "mainline", "--grain", "op", *other)
    assert not results[-1]["known"]


def test_an_edited_design_is_searched(check, tmp_path):
    design = tmp_path / "mine.py"
    shutil.copy(BASELINE.designs / "parts" / "reuse_by_mapcount.py", design)
    check(TEST, "-d", str(design))
    design.write_text(design.read_text() + "\n# another word\n")
    _, results = check(TEST, "-d", str(design))
    assert not any(result["known"] for result in results)


def test_an_edited_model_is_another_kernel(tmp_path):
    shutil.copytree(BASELINE.folders[0], tmp_path / "mm")
    copied = type(BASELINE)(
        folders=(tmp_path / "mm", BASELINE.folders[1]),
        consts=BASELINE.consts,
        designs=BASELINE.designs,
        properties=BASELINE.properties,
    )
    before = identity("mainline", copied)
    assert identity("mainline", copied) == before
    file = tmp_path / "mm" / "memory.py"
    file.write_text(file.read_text() + "\n# another word\n")
    assert identity("mainline", copied) != before


def test_what_ended_early_is_not_kept(check):
    for _ in range(2):
        code, (result,) = check(TEST, "-d", "mainline", "--grain", "step", "--max-states", "3")
        assert (code, result["known"]) == (3, False)


def test_a_surprise_is_searched_again_and_shown(check, tmp_path):
    test = tmp_path / "wrong.litmus"
    test.write_text(
        '+++\ntitle = "A claim that is wrong"\nsource = "none"\n[expect]\n'
        '"mainline" = { verdict = "Never", grain = "op" }\n+++\n'
        "process P {\n    A = mmap(anon, private, rw)\n    A[0] = 1\n    r0 = A[0]\n}\n"
        "exists (P:r0 = 1)\n"
    )
    for _ in range(2):
        code, (result,) = check(str(test))
        assert (code, result["known"]) == (1, False)
        assert result["surprises"][0]["trace"]


def test_without_a_place_to_keep_them_verdicts_come_all_the_same(tmp_path, monkeypatch):
    monkeypatch.delenv("PAGEFAULT_AGAIN", raising=False)
    broken = tmp_path / "results.sqlite"
    broken.write_text("no database")
    monkeypatch.setattr("pagefault.cli.known.default_path", lambda: broken)
    done = CliRunner().invoke(app, ["check", TEST, "-d", "mainline"], standalone_mode=False)
    assert done.return_value == 0
    assert "verdicts are not kept: " in done.output
