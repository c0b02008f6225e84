"""The command line as a user meets it: output, exit codes, and errors without a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pagefault.cli.app import app, run
from pagefault.lang import select

LEAK = """+++
title = "A child vmsplices a page and unmaps it; then the parent writes"
source = "CVE-2020-29374"
[expect]
"linux-5.7" = {{ verdict = "{verdict}", grain = "op"{breaks} }}
+++
process P {{
    A = mmap(anon, private, rw)
    A[0] = 1
    fork(C)
    A[0] = 2
}}
process C {{
    vmsplice(A, p)
    munmap(A)
    r0 = read(p)
}}
exists (C:r0 = 2)
"""
PRIVATE = ', breaks = "private"'


@pytest.fixture
def leak(tmp_path):
    """Writes a litmus file that claims something about linux-5.7; returns its path."""

    def write(verdict="Sometimes", breaks=PRIVATE, name="leak"):
        path = tmp_path / f"{name}.litmus"
        path.write_text(LEAK.format(verdict=verdict, breaks=breaks))
        return str(path)

    return write


@pytest.fixture
def pagefault(capfd):
    """Runs a command line; gives its exit code, stdout and stderr."""

    def call(*arguments):
        code = run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


def spawn(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "pagefault", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


# --- help -----------------------------------------------------------------------------------------


def test_alone_it_teaches(pagefault):
    code, out, _ = pagefault()
    assert code == 0
    assert "pagefault explain TEST --design D" in out
    assert pagefault("--help")[1] == out


def test_version(pagefault):
    code, out, _ = pagefault("--version")
    assert (code, out.split()[0]) == (0, "pagefault")


@pytest.mark.parametrize("verb", sorted(app.commands))
def test_every_verb_has_help(pagefault, verb):
    code, out, _ = pagefault(verb, "--help")
    assert code == 0
    assert out.startswith(f"Usage: pagefault {verb}")
    for parameter in app.commands[verb].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_help_loads_nothing_of_the_model():
    code = (
        "import sys; from pagefault.cli.app import run; run(['--help']); run(['check', '--help']);"
        "print(sorted({'numpy', 'lark', 'rich', 'pagefault.layout'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[-1] == "[]"


# --- check ----------------------------------------------------------------------------------------


def test_as_claimed(pagefault, leak):
    code, out, err = pagefault("check", leak())
    assert code == 0
    line, *_, summary = out.splitlines()
    assert line.startswith("Observation leak Sometimes 1 1")
    assert line.split()[5:7] == ["linux-5.7", "op"]
    assert line.endswith("[private] ok")
    assert summary.startswith("1 check: 1 as claimed, 0 surprises; 13 states")
    assert err == ""


@pytest.mark.parametrize(
    ("verdict", "breaks", "sentence"),
    [
        ("Never", PRIVATE, "claimed Never, found Sometimes 1 1"),
        ("Sometimes", "", "breaks private: No task observes"),
        ("Sometimes", ', breaks = ["private", "coherent"]', "claimed to break coherent"),
    ],
)
def test_a_surprise_is_told_with_its_trace(pagefault, leak, verdict, breaks, sentence):
    code, out, _ = pagefault("check", leak(verdict, breaks))
    assert code == 1
    assert "SURPRISE leak under linux-5.7, grain op" in out
    assert sentence in out
    assert ("In the end" in out) == ("coherent" not in sentence)


def test_a_design_without_a_claim_gets_a_verdict_at_both_grains(pagefault, leak):
    code, out, _ = pagefault("check", leak(), "--design", "mainline")
    assert code == 0
    assert [line.split()[6] for line in out.splitlines()[:2]] == ["op", "step"]
    assert "no claim" in out
    assert "2 without a claim" in out


def test_a_design_file_of_ones_own(pagefault, leak, tmp_path):
    design = tmp_path / "mine.py"
    design.write_text(
        '"""Nobody ever reuses a page."""\n\n\n'
        "def wp_can_reuse_anon_folio(st, mm, pfn):\n    return 0\n"
    )
    code, out, _ = pagefault("check", leak(), "-d", design, "--grain", "op")
    assert code == 0
    assert " mine " in out


def test_only_the_property_that_is_asked_for(pagefault, leak):
    code, out, _ = pagefault("check", leak("Sometimes", ""), "--property", "coherent")
    assert code == 0
    assert "private" not in out


@pytest.mark.parametrize("budget", [("--max-states", 3), ("--max-seconds", 0)])
def test_a_budget_ends_in_unknown(pagefault, leak, budget):
    code, out, _ = pagefault("check", leak(), *budget)
    assert code == 3
    assert "Observation leak Unknown" in out
    assert "1 Unknown" in out


def test_nothing_to_do_says_why(pagefault, leak, tmp_path):
    code, out, _ = pagefault("check", leak(), "--grain", "step")
    assert code == 4
    assert out.startswith(
        "nothing to check: leak makes no claim at grain step\nhint: name a design"
    )
    bare = tmp_path / "bare.litmus"
    bare.write_text(TWO_CLAIMS.replace("mainline =", "# mainline ="))
    code, out, _ = pagefault("check", bare)
    assert (code, out.splitlines()[0]) == (4, "nothing to check: bare makes no claim")
    code, out, _ = pagefault("check", bare, "--core")
    assert (code, "in the core" in out) == (4, True)


def test_json(pagefault, leak):
    code, out, _ = pagefault("check", leak("Never"), "--json")
    document = json.loads(out)
    assert code == 1
    assert (document["schema"], document["kind"]) == (1, "check")
    (result,) = document["results"]
    assert (result["verdict"], result["breaks"]) == ("Sometimes", ["private"])
    assert result["claim"]["verdict"] == "Never"
    (surprise,) = result["surprises"]
    assert surprise["trace"]["steps"][0]["statement"] == "A = mmap(anon, private, rw)"


def test_two_processes_say_the_same_in_the_same_order(pagefault):
    def lines(jobs):
        out = pagefault("check", "cow/", "--grain", "op", "--jobs", jobs)[1]
        # Up to the seconds.
        return [line.split()[:8] for line in out.splitlines() if line.startswith("Observation")]

    assert len(lines(1)) > 10
    assert lines(2) == lines(1)


def test_the_core_names_tests_of_the_catalogue(pagefault):
    code, out, _ = pagefault("check", "--core", "gup+pin-mprotect-write-dma", "--grain", "op")
    assert code == 0
    assert "Observation gup+pin-mprotect-write-dma" in out


def test_the_core_is_as_claimed(pagefault):
    code, out, _ = pagefault("check", "--core", "--grain", "op")
    assert code == 0, out


def verbs(group: click.Group = app, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, verb in group.commands.items():
        yield (*above, name)
        if isinstance(verb, click.Group):
            yield from verbs(verb, (*above, name))


@pytest.mark.parametrize("verb", list(verbs()), ids=" ".join)
def test_help_tells_exit_codes(pagefault, verb):
    code, out, _ = pagefault(*verb, "--help")
    assert code == 0
    assert out.count("Exit code:") == 1


# --- explain --------------------------------------------------------------------------------------


def test_explain_shows_what_breaks(pagefault, leak):
    code, out, _ = pagefault("explain", leak(), "--design", "linux-5.7")
    assert code == 0
    assert "breaks private" in out
    assert out.isascii()


def test_explain_shows_a_final_state_where_nothing_breaks(pagefault, leak):
    out = pagefault("explain", leak())[1]
    assert "a shortest way to a final state that does not satisfy the condition" in out


def test_explain_a_property(pagefault, leak):
    path = leak()
    assert (
        "coherent holds in every state" in pagefault("explain", path, "--property", "coherent")[1]
    )
    code, _, err = pagefault("explain", path, "--property", "coherence")
    assert code == 2
    assert "there is no property 'coherence'" in err


def test_explain_json(pagefault, leak):
    out = pagefault("explain", leak(), "--design", "linux-5.7", "--json")[1]
    document = json.loads(out)
    assert (document["schema"], document["kind"], document["shows"]) == (1, "trace", "private")
    held = json.loads(pagefault("explain", leak(), "--property", "private", "--json")[1])
    assert "steps" not in held


def test_explain_within_a_budget(pagefault, leak):
    code, out, _ = pagefault("explain", leak(), "--max-states", 2)
    assert code == 3
    assert "nothing found yet" in out


# --- the other verbs ------------------------------------------------------------------------------


def test_list(pagefault):
    code, out, _ = pagefault("list", "cow/")
    assert code == 0
    assert "cow/cow+fork+parent-writes\n    After fork" in out
    document = json.loads(pagefault("list", "cow/", "--json")[1])
    assert document["tests"][0]["family"] == "cow"
    assert document["tests"][0]["condition"].startswith(("exists", "~exists", "forall"))


def test_designs(pagefault):
    code, out, _ = pagefault("designs")
    assert code == 0
    assert out.splitlines()[1].startswith("mainline")
    document = json.loads(pagefault("designs", "--json")[1])
    assert {d["name"] for d in document["designs"]} > {"mainline", "linux-5.10"}


@pytest.mark.parametrize("width", [80, 140])
def test_diff_shows_the_functions_that_differ(pagefault, width):
    code, out, _ = pagefault("diff", "mainline", "linux-5.10", "--width", width)
    assert code == 0
    assert "wp_can_reuse_anon_folio" in out
    assert "designs/parts/reuse_by_refcount.py" in out
    assert "copy_pte_range" not in out
    if width == 140:
        assert max(map(len, out.splitlines()[3:])) <= width


def test_diff_of_a_design_with_itself(pagefault):
    assert "no function differs" in pagefault("diff", "mainline", "mainline")[1]


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["chekc"], "No such command"),
        (["check", "no-such-test"], "no test, list"),
        (["check", "--design", "linux-4.2"], "there is no design 'linux-4.2'"),
        (["check", "--grain", "word"], "Invalid value for '--grain'"),
        (["check", "--max-states", "0"], "Invalid value for '--max-states'"),
        (["check", "--max-seconds", "soon"], "Invalid value for '--max-seconds'"),
        (["check", "cow/", "--property", "speed"], "there is no property 'speed'"),
        (["explain"], "Missing argument"),
        (["explain", "cow/"], "tests, and explain shows one"),
        (["explain", "cow+fork+parent-writes", "--design", "missing.py"], "no such file"),
        (["diff", "mainline"], "Missing argument"),
        (["diff", "mainline", "nothing"], "there is no design 'nothing'"),
    ],
)
def test_usage_errors(pagefault, arguments, says):
    code, _, err = pagefault(*arguments)
    assert code == 2
    assert says in err


def test_a_parse_error_shows_the_place(pagefault, tmp_path):
    path = tmp_path / "bad.litmus"
    path.write_text('+++\ntitle = "A"\nsource = "b"\n+++\nprocess P { mprotcet(A, r) }\n')
    code, _, err = pagefault("check", path)
    assert code == 2
    assert "bad.litmus:5" in err


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"linux-5.7"', '"linux-5.77"', "the design 'linux-5.77'"),
        ('"private"', '"privacy"', "there is no property 'privacy'"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_claim_about_nothing_is_an_error(pagefault, leak, old, new, says, jobs):
    files = [Path(leak(name=name)) for name in ("one", "two")]
    for path in files:
        path.write_text(path.read_text().replace(old, new))
    code, _, err = pagefault("check", *files, "--jobs", jobs)
    assert code == 2
    assert says in err
    place, shown, caret = err.splitlines()[:3]
    assert f"one.litmus:5:{len(caret) - 2}: " in place
    assert shown[len(caret) - 1 :].startswith(new)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b""])
def test_a_file_that_is_no_litmus_text(pagefault, tmp_path, content):
    path = tmp_path / "junk.litmus"
    path.write_bytes(content)
    assert pagefault("check", path)[0] == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_a_file_that_may_not_be_read(pagefault, leak):
    path = Path(leak())
    path.chmod(0)
    assert pagefault("check", path)[0] == 2


def test_a_failure_of_pagefault_itself_is_one_line(pagefault, leak, monkeypatch):
    def fail(*_arguments, **_options):
        raise RuntimeError("out of luck")

    monkeypatch.setattr("pagefault.explore.search.explore", fail)
    code, _, err = pagefault("explain", leak())
    assert code == 70
    assert "pagefault itself failed: RuntimeError: out of luck" in err


def test_a_reader_that_goes_away():
    with spawn("check", "--jobs", 1) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == ""


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt(jobs):
    with spawn("check", "cow", "--jobs", jobs, start_new_session=True) as process:
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == "interrupted\n"


INTERRUPTED_EARLY = """
import sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "pagefault.cli.app":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
from pagefault.cli import main
main()
"""


def test_an_interrupt_while_the_verbs_are_imported():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_EARLY], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_help_is_quick():
    best = min(_seconds_of_help() for _ in range(3))
    assert best < 0.5  # about 0.06 s on an idle machine


def _seconds_of_help():
    started = time.perf_counter()
    with spawn("--help") as process:
        process.communicate()
    return time.perf_counter() - started


TWO_CLAIMS = """+++
title = "A store, and nobody else"
source = "textbook"
[expect]
mainline = [{ verdict = "Always", grain = "op" }, { verdict = "Never", grain = "step" }]
+++
process P {
    A = mmap(anon, private, rw)
    A[0] = 1
}
exists (P:A[0] = 2)
"""


def test_each_claim_of_a_list_is_checked(pagefault, tmp_path):
    (tmp_path / "two.litmus").write_text(TWO_CLAIMS)
    code, out, _ = pagefault("check", tmp_path / "two.litmus")
    assert code == 1
    assert "SURPRISE two under mainline, grain op" in out
    assert "2 checks: 1 as claimed, 1 surprise" in out
    code, out, _ = pagefault("check", tmp_path / "two.litmus", "-d", "mainline", "--grain", "step")
    assert code == 0
    assert "1 check: 1 as claimed, 0 surprises" in out


def test_a_claim_of_sometimes_where_it_is_never(pagefault, leak):
    path = Path(leak("Sometimes", ""))
    path.write_text(path.read_text().replace('"linux-5.7"', '"mainline"'))
    code, out, _ = pagefault("check", path)
    assert code == 1
    assert "claimed Sometimes, found Never 0 1: no schedule ends in a state that" in out
    assert "(no schedule ends in one that does)" in out


def test_two_designs_of_one_name(pagefault, tmp_path):
    files = [tmp_path / folder / "mine.py" for folder in "ab"]
    for number, file in enumerate(files):
        file.parent.mkdir()
        file.write_text(
            f'"""Idea {number}."""\n\n\n'
            f"def wp_can_reuse_anon_folio(st, mm, pfn):\n    return {number}\n"
        )
    designs = [word for file in files for word in ("-d", file)]
    code, _, err = pagefault("check", "cow+fork+child-writes", *designs)
    assert code == 2
    assert "two designs are called mine" in err


def test_core_takes_a_relative_path(pagefault, monkeypatch):
    entry = select(["gup+pin-fork-write-dma"])[0]
    monkeypatch.chdir(entry.path.parent)
    code, out, _ = pagefault("check", "--core", entry.path.name)
    assert code == 0
    assert "gup+pin-fork-write-dma" in out


def test_a_name_that_is_too_long(pagefault):
    code, _, err = pagefault("check", "x" * 5000)
    assert code == 2
    assert "File name too long" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "cow+fork+child-writes", "--max-seconds", "nan"],
        ["campaign", "--minutes", "nan"],
        ["cost", "directmap", "--used", "nan"],
    ],
    ids=" ".join,
)
def test_not_a_number(pagefault, arguments):
    code, _, err = pagefault(*arguments)
    assert code == 2
    assert "nan is not a number" in err


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_from_the_start(closed):
    command = f"{sys.executable} -m pagefault check cow+fork+child-writes -j 1 {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("verb", ["list", "check cow+fork+child-writes -j 1"])
def test_a_full_disk(verb):
    command = f"{sys.executable} -m pagefault {verb} > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_an_error_that_cannot_be_told_is_an_error():
    command = f"{sys.executable} -m pagefault check no-such-test 2> /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["table", "--html", ""],
        ["conform", "--database", ""],
        ["conform", "--known", ""],
        ["campaign", "--litmus", ""],
        ["cost", "memdesc", "--plot", ""],
        ["cost", "directmap", "--prices", ""],
        ["kernels", "add", ""],
    ],
    ids=" ".join,
)
def test_a_path_without_a_name_is_refused(pagefault, arguments):
    code, out, err = pagefault(*arguments)
    assert (code, out) == (2, "")
    assert "it has no name" in err


IDEA = '"""An idea."""\n\n\ndef wp_can_reuse_anon_folio(st, mm, pfn):\n    return 1\n'


@pytest.mark.parametrize("name", ["linux_5_7", "mainline"])
def test_claims_about_a_shipped_design_are_not_about_a_file_of_its_name(
    pagefault, leak, tmp_path, monkeypatch, name
):
    monkeypatch.chdir(tmp_path)
    Path(f"{name}.py").write_text(IDEA)
    file = f"./{name}.py"
    code, out, _ = pagefault("check", leak("Never", ""), "-d", file, "--grain", "op")
    assert code == 0
    assert f"  {file}  op " in out
    assert "no claim" in out
    assert out.endswith(f"{file} is not the shipped design of this name: no claim is about it\n")
    assert f"design {file}, grain op" in pagefault("explain", leak(), "-d", file)[1]
    designs = ["-d", file, "-d", "linux-5.7", "--grain", "op", "-j", 1]
    code, out, _ = pagefault("check", leak(), *designs)
    assert code == 0
    assert "2 checks: 1 as claimed, 0 surprises, 1 without a claim" in out


def test_claims_hold_for_the_very_file_and_for_ones_own(pagefault, leak, tmp_path):
    from pagefault.link import BASELINE

    shipped = BASELINE.designs / "linux_5_7.py"
    assert "SURPRISE" in pagefault("check", leak("Never"), "-d", shipped)[1]
    file = tmp_path / "mine.py"
    file.write_text(IDEA)
    own = Path(leak("Never"))
    own.write_text(own.read_text().replace("linux-5.7", "mine"))
    code, out, _ = pagefault("check", own, "-d", file)
    assert (code, "  mine  op " in out) == (1, True)


def test_what_is_no_file(pagefault, tmp_path):
    os.mkfifo(tmp_path / "fifo.litmus")
    (tmp_path / "dangling.litmus").symlink_to("nowhere")
    (tmp_path / "loop.litmus").symlink_to("loop.litmus")
    (tmp_path / "empty").mkdir()
    for name, says in {
        "fifo.litmus": "it is a FIFO, not a litmus file",
        "dangling.litmus": "a link to nowhere, which does not exist",
        "loop.litmus": "a link that leads",
        "empty": "no *.litmus file is in this folder",
    }.items():
        code, _, err = pagefault("check", tmp_path / name)
        assert code == 2
        assert err.startswith(f"{tmp_path / name}: error: {says}")


@pytest.mark.parametrize(("verb", "says"), [("check", "1 as claimed"), ("explain", "breaks ")])
def test_a_litmus_text_from_standard_input(verb, says, leak):
    text = Path(leak()).read_text()
    command = [sys.executable, "-m", "pagefault", verb, "-"]
    command += ["-d", "linux-5.7"] if verb == "explain" else []
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Observation stdin Sometimes 1 1")
    assert says in done.stdout
    bad = subprocess.run(command, input="x", capture_output=True, text=True, check=False)
    assert bad.returncode == 2
    assert bad.stderr.startswith("stdin:1:1: error: no header")
