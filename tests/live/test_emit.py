"""The C program of a test: it compiles without a warning, and says what the test says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pagefault.errors import LitmusError
from pagefault.lang import Program, catalogue, load
from pagefault.lang.generate import generate
from pagefault.lang.program import Statement
from pagefault.lang.schedule import PIPE_PAGES
from pagefault.lang.verbs import VERBS
from pagefault.live import Host, c_program, c_programs, refusal
from pagefault.live.compiler import build, compiler
from pagefault.live.drivers import no_call
from pagefault.live.emit import c_string
from pagefault.live.outcome import SIGNAL_BASE
from pagefault.live.pins import HOLDS
from pagefault.live.statements import MODEL_ONLY, STATEMENTS

TEMPLATES = Path(__file__).resolve().parents[2] / "src" / "pagefault" / "live" / "templates"
STRICT = ("-O1", "-Werror")
REFUSED = Path(__file__).with_name("refused.litmus")


def is_model_only(program: Program) -> bool:
    return any(s.verb in MODEL_ONLY or no_call(program, s) for s in statements(program))


def verbs(program: Program) -> frozenset[str]:
    return frozenset(s.verb for s in statements(program))


def statements(program: Program) -> list[Statement]:
    return [s for task in program.tasks for s in task.statements]


# No call lets user space choose whether a pin is given back as dirty, and reclaim would tell.
DIRTY_BY_CHOICE = {"reclaim+free-o_direct+dma-write-unpin-dirty"}
RUNNABLE = [
    e for e in catalogue() if not is_model_only(e.program) and e.name not in DIRTY_BY_CHOICE
]


def test_each_test_of_the_catalogue_compiles_without_a_warning(host: Host) -> None:
    """All of them in one, where an optimiser notices more; and alone, where a part may be left that
    no statement uses, one of each set of statements.
    """
    build(c_programs([e.program for e in RUNNABLE]), ("-O2", "-Werror"))
    alone = {verbs(e.program): c_program(e.program) for e in RUNNABLE}
    with ThreadPoolExecutor(2) as pool:
        for binary in pool.map(lambda text: build(text, ("-O0", "-Werror")), alone.values()):
            assert binary.is_file()


def test_generated_tests_compile_without_a_warning(host: Host) -> None:
    made = (generate(seed, without=MODEL_ONLY) for seed in range(200))
    programs = [p for p in made if not refusal(p)]
    assert len(programs) > 100
    build(c_programs(programs), ("-O0", "-Werror"))


def test_all_that_a_kernel_can_do_can_be_written(host: Host) -> None:
    assert [entry.name for entry in RUNNABLE if refusal(entry.program)] == []


@pytest.mark.parametrize(
    "entry", [e for e in catalogue() if is_model_only(e.program)], ids=lambda e: e.name
)
def test_what_only_the_model_can_do_is_refused_with_what_it_needs(entry) -> None:
    assert refusal(entry.program).endswith("; there is no statement for it")


def test_each_verb_has_its_place() -> None:
    assert set(STATEMENTS) | set(MODEL_ONLY) == set(VERBS)
    assert not set(STATEMENTS) & set(MODEL_ONLY)
    files = {str(path.relative_to(TEMPLATES)) for path in (TEMPLATES / "verbs").glob("*.c")}
    assert {rule.file for rule in STATEMENTS.values()} - {""} == files


def test_python_and_c_agree_on_numbers() -> None:
    head = (TEMPLATES / "head.c").read_text()
    assert f"PIPE_PAGES = {PIPE_PAGES}," in head
    assert f"SIGNAL_BASE = {SIGNAL_BASE}," in head
    assert f"HOLDS = {HOLDS}," in (TEMPLATES / "pins" / "copy.c").read_text()


def test_a_statement_stands_beside_its_line_of_the_test() -> None:
    (entry,) = (e for e in catalogue() if e.name == "gup+pin-mprotect-write-dma")
    text = c_program(entry.program)
    assert "step();\t\t/* mprotect(A, r) */\n\tprotect(A_, 1, PROT_READ);" in text
    assert "step();\t\t/* r0 = dma_read(h) */\n\tREG(0) = ring_read(h_, 0);" in text
    assert "splice(" not in text  # only what the test needs


def test_what_cannot_run_is_an_error_that_says_why() -> None:
    with pytest.raises(LitmusError, match="cannot run on a live kernel: user space"):
        c_program(load(REFUSED))


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        (
            "process P { A = mmap(anon, private, rw); h = pin(A, read)\n"
            + "r0 = dma_read(h)\n" * 5
            + "}",
            "read through 4 times at most",
        ),
        (
            """process P { A = mmap(anon, private, rw); h = pin(A, read); exit() }
device D { r0 = dma_read(h) }""",
            "keeps the memory of a process that exits",
        ),
        (
            """process P { A = mmap(anon, private, rw); h = get(A, write)
dma_write(h, 1); r0 = dma_read(h) }""",
            "an O_DIRECT read is one dma_write",
        ),
        (
            """process P { A = mmap(anon, private, rw); h = get(A, write)
r0 = A[0]; dma_write(h, r0) }""",
            "no register",
        ),
        (
            "process P { A = mmap(anon, private, rw); h = get(A, read, slow); r0 = A[0] }",
            "GUP-fast",
        ),
        (
            "process P { A = mmap(anon, private, rw); h = pin(A, read, slow); r0 = A[0] }",
            "GUP-fast out, but for long-term pins",
        ),
        (
            """process P { A = mmap(anon, private, rw); h = pin(A, write, slow)
dma_write(h, 1); r0 = A[0] }""",
            "writes nothing through its pin",
        ),
        (
            """process P { A = mmap(anon, private, rw); h = pin(A, write, slow)
g = pin(A, read, longterm, slow); r0 = A[0] }""",
            "holds one pin at a time",
        ),
    ],
)
def test_pins_that_cannot_be_held(program: Callable[..., Program], tasks: str, reason: str) -> None:
    condition = "D:r0 = 1" if "device" in tasks else "P:r0 = 1"
    assert reason in refusal(program(tasks, condition))


def test_gup_test_has_two_ways_to_pin(program: Callable[..., Program]) -> None:
    tasks = "process P {{ A = mmap(anon, private, rw); h = pin(A, {}); r0 = dma_read(h) }}"
    slow = c_program(program(tasks.format("write, slow")))
    assert "guptest_pin(h_, A_, 1);" in slow
    assert "copy_pin" not in slow
    assert "longterm_pin(h_, A_, 1);" in c_program(program(tasks.format("read, longterm")))


def test_names_do_not_break_the_c(program: Callable[..., Program], host: Host) -> None:
    test = program(
        "process main { errno, __LINE_ = mmap(anon, private, rw); r0 = errno[0]; fork(live) }\n"
        "process live { __LINE_[0] = 1 }",
        "main:r0 = 1",
    )
    header = replace(test.header, title='ends */ a comment, opens /* one, says "so" \\')
    odd = replace(test, name='a"b\\', title=header.title, source=header.title, header=header)
    assert build(c_program(odd), STRICT).is_file()


def test_strings_are_c_strings() -> None:
    assert c_string('a "b" \\n') == '"a \\"b\\" \\\\n"'
    assert c_string("what??!") == '"what?\\?!"'


def test_the_program_runs_as_it_stands(host: Host, tmp_path: Path) -> None:
    (entry,) = (e for e in catalogue() if e.name == "cow+fork+parent-writes")
    source = tmp_path / "test.c"
    source.write_text(c_program(entry.program))
    command = [*compiler(), "-Wall", "-Wextra", "-static", "-o", str(tmp_path / "test")]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    run = [tmp_path / "test"]
    lines = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0].startswith("kernel Linux ")
    assert lines[1] == "test 0 cow+fork+parent-writes"
    assert lines[2].startswith("run 0 P,P,P,P,C done 5 . ")
    assert "C:r0=1" in lines[2]
    assert len(lines) == 4
    one = subprocess.run([*run, "P,P,P,C,P"], capture_output=True, text=True, check=True).stdout
    assert one.splitlines()[2:] == lines[3:]
    wrong = subprocess.run([*run, "--fast"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("usage: ")
    bad = subprocess.run([*run, "P,X"], capture_output=True, text=True, check=True).stdout
    assert bad.splitlines()[-1] == "run 0 P,X bad"
