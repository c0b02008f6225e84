"""The sub-model that the peers run has pagefault's states and steps, one for one."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.contenders import Contender, Rumur, Spin
from benchmarks.count import count
from benchmarks.worker import PROGRAMS
from benchmarks.zap.harmony import harmony
from benchmarks.zap.plain import ZapModel
from benchmarks.zap.program import narrow

from pagefault.explore.search import explore
from pagefault.lang import load, parse
from pagefault.lang.program import Program
from pagefault.link import link

ZAP = "madvise(A, dontneed)"
BODIES = {
    "one-thread": (f"A[0] = 1; r0 = A[0]; {ZAP}; r0 = A[0]; A[0] = 2",),
    "zero-page": (
        f"clone(T); r0 = A[0]; A[0] = 1; {ZAP}; r0 = A[0]",
        f"r0 = A[0]; A[0] = 2; {ZAP}",
    ),
    "zap-early": ("clone(T); r0 = A[0]; A[0] = 1; r0 = A[0]", f"{ZAP}; {ZAP}; A[0] = 2"),
    "three-threads": (f"clone(T); clone(U); A[0] = 1; {ZAP}", "A[0] = 2; r0 = A[0]", ZAP),
    "zaps-in-turn": ("clone(T); clone(U); r0 = A[0]; A[0] = 1", f"{ZAP}; {ZAP}", "r0 = A[0]"),
}


def program(name: str) -> Program:
    process, *threads = BODIES[name]
    lines = ["+++", 'title = "x"', 'source = "x"', "[expect]", "+++"]
    lines.append(f"process P {{ A = mmap(anon, private, rw); {process} }}")
    lines += [f"thread {t} {{ {body} }}" for t, body in zip("TUV", threads, strict=False)]
    return parse("\n".join([*lines, "forall (P:signal = 0)", ""]))


def numbers(p: Program) -> tuple[int, int]:
    result = explore(link("mainline"), p, "step", engine="interpreted")
    assert not result.breaches
    return result.states, result.transitions


@pytest.mark.parametrize("name", BODIES)
def test_the_plain_model_has_the_states_and_steps_of_pagefault(name: str) -> None:
    model = ZapModel(narrow(program(name)))
    assert count(model.initial, model.successors) == numbers(program(name))


def test_the_smallest_program_of_the_benchmark_is_the_same_in_both() -> None:
    p = load(PROGRAMS / "zap-two.litmus")
    model = ZapModel(narrow(p))
    assert count(model.initial, model.successors) == numbers(p) == (540, 939)


@pytest.mark.parametrize("name", ["zap-early", "three-threads"])
@pytest.mark.parametrize("peer", [Spin("BFS"), Rumur()], ids=lambda contender: contender.name)
def test_a_peer_finds_as_many_states_and_steps(
    peer: Contender, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing := peer.missing():
        pytest.skip(f"missing {', '.join(missing)}")
    monkeypatch.setattr("benchmarks.contenders.load", lambda _path: program(name))
    found = peer.prepare(name, tmp_path)()
    assert (found.states, found.transitions) == numbers(program(name))


def test_harmony_has_a_thread_for_each_task() -> None:
    text = harmony(narrow(load(PROGRAMS / "zap-three.litmus")))
    assert text.count("def task") == 3
    assert text.count("spawn ") == 3


@pytest.mark.parametrize(
    "body", ["A[1] = 1", "A[0] = 0", "munmap(A)", "r1 = A[0]", "A, B = mmap(anon, private, rw)"]
)
def test_what_the_peers_do_not_model_is_refused(body: str) -> None:
    text = '+++\ntitle = "x"\nsource = "x"\n[expect]\n+++\n'
    first = "" if "mmap" in body else "A = mmap(anon, private, rw); "
    p = parse(f"{text}process P {{ {first}{body} }}\nforall (P:signal = 0)\n")
    with pytest.raises(ValueError, match=r"not one page|do not cover|one mmap"):
        narrow(p)
