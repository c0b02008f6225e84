"""States that differ only in which of equal tasks did what are searched once.

What must not change: verdicts, broken promises, the lengths of shortest traces.

PAGEFAULT_PROGRAMS sets how many programs are made by dice; PAGEFAULT_SEED where they begin.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from pagefault.consts import MOVED
from pagefault.explore import symmetry
from pagefault.explore.canonical import Canonical
from pagefault.explore.condition import satisfies
from pagefault.explore.engine import BROKEN, BUG, Engine, next_choices, set_choices, take_choices
from pagefault.explore.lower import lower
from pagefault.explore.search import Budget, _Search, explore
from pagefault.explore.symmetry import AUDITED, Asymmetry, Symmetry, groups, unaudited
from pagefault.lang import catalogue, format_program
from pagefault.lang.generate import generate
from pagefault.lang.parse import parse
from pagefault.lang.program import Name, Register, Statement, Task
from pagefault.layout import LEAF_INDEX, LEAVES, new_state
from pagefault.link import link

KERNELS = Path(__file__).parents[1] / "sabotage" / "kernels"
PROGRAMS = int(os.environ.get("PAGEFAULT_PROGRAMS", "40"))
FIRST = int(os.environ.get("PAGEFAULT_SEED", "0"))
SMALL = Budget(states=2_000, seconds=None)

HEAD = """+++
title = "Equal tasks"
source = "here"
+++
"""
SAME_COND = r"exists (T:r0 = 2 /\ U:r0 = 1 \/ U:r0 = 2 /\ T:r0 = 1)"


def program_of(kind, members, body, condition, before="", after=""):
    """P maps and stores; the members all run `body`."""
    names = "TUVW"[:members]
    starts = "".join(f"    clone({n})\n" for n in names) if kind == "thread" else ""
    first = "    A = mmap(anon, private, rw)\n    A[0] = 1\n"
    text = f"{HEAD}process P {{\n{first}{before}{starts}{after}}}\n"
    for name in names:
        lines = "".join(f"    {line}\n" for line in body)
        text += f"{kind} {name} {{\n{lines}}}\n"
    return parse(f"{text}{condition}\n")


STORE_ZAP_LOAD = ("A[0] = 2", "madvise(A, dontneed)", "r0 = A[0]")
DMA = ("r0 = dma_read(h)", "dma_write(h, 2)")
PIN = "    h = pin(A, write)\n"
EQUAL = {
    "store-zap-load": program_of("thread", 2, STORE_ZAP_LOAD, "exists (T:r0 = 2 \\/ U:r0 = 2)"),
    "zap-load": program_of("thread", 3, STORE_ZAP_LOAD[1:], "forall (P:A[0] = 0)"),
    "load-store": program_of("thread", 3, ("r0 = A[0]", "A[0] = 2"), "forall (P:A[0] = 2)"),
    "dma": program_of("device", 2, DMA, SAME_COND, before=PIN, after="    r0 = A[0]\n"),
}
EQUAL["dma-fork"] = parse(
    format_program(EQUAL["dma"])
    .replace("r0 = A[0]", "fork(C)\n    A[1] = 3\n    r0 = A[0]")
    .replace("device T", "process C {\n    r0 = A[0]\n}\ndevice T", 1)
)
EQUAL["between"] = parse(  # another task's CPU stands between those of the equal ones
    format_program(EQUAL["store-zap-load"])
    .replace("process P", "process P on cpu 1")
    .replace("thread T", "thread T on cpu 0")
    .replace("thread U", "thread U on cpu 2")
)
EQUAL["chased"] = parse(  # a task that is not equal flushes the others
    format_program(EQUAL["load-store"])
    .replace("clone(V)", "madvise(A, dontneed)")
    .replace("thread V {\n    r0 = A[0]\n    A[0] = 2\n}\n", "")
)


SAVED = [
    # program, design, grain, (states, positive, negative) without and with symmetry
    ("store-zap-load", "mainline", "op", (37, 2, 3), (24, 1, 2)),
    ("store-zap-load", "mainline", "step", (487, 2, 3), (257, 1, 2)),
    ("store-zap-load", "linux-5.7", "op", (37, 2, 3), (24, 1, 2)),
    ("store-zap-load", "linux-5.7", "step", (487, 2, 3), (257, 1, 2)),
    ("zap-load", "mainline", "op", (76, 7, 0), (31, 3, 0)),
    # The order of the IPIs tells them apart: three that flush, one between, one that is not equal.
    ("zap-load", "mainline", "step", (4308, 7, 0), (4308, 7, 0)),
    ("between", "mainline", "op", (37, 2, 3), (24, 1, 2)),
    ("between", "mainline", "step", (506, 2, 3), (506, 2, 3)),
    ("chased", "mainline", "op", (69, 14, 3), (42, 8, 2)),
    ("chased", "mainline", "step", (2233, 34, 3), (2233, 34, 3)),
    ("load-store", "linux-5.7", "op", (88, 7, 0), (33, 3, 0)),
    ("load-store", "mainline", "step", (92, 7, 0), (37, 3, 0)),
    ("dma", "mainline", "op", (38, 4, 2), (24, 2, 2)),
    ("dma", "linux-5.7", "step", (47, 4, 2), (33, 2, 2)),
    ("dma-fork", "mainline", "op", (184, 8, 4), (111, 4, 4)),
    ("dma-fork", "mainline", "step", (308, 10, 5), (187, 5, 5)),
    ("dma-fork", "linux-5.7", "op", (241, 12, 6), (142, 6, 6)),
    ("dma-fork", "linux-5.7", "step", (719, 12, 6), (426, 6, 6)),
]


def search(program, design, grain, symmetry, budget=SMALL):
    return explore(link(design), program, grain, budget, engine="interpreted", symmetry=symmetry)


def lengths(traces):
    return {name: len(trace.steps) for name, trace in traces.items()}


def answer(result):
    """What symmetry must not change."""
    return (
        (result.verdict, result.depth, bool(result.positive), bool(result.negative)),
        (lengths(result.breaches), lengths(result.finals), bool(result.stuck)),
    )


def assert_same(program, design, grain):
    """The same answers; how many states were saved. None if the search is too large."""
    plain = search(program, design, grain, symmetry=False)
    if not plain.complete:
        return None
    merged = search(program, design, grain, symmetry=True)
    assert merged.complete
    assert answer(merged) == answer(plain), format_program(program)
    assert merged.states <= plain.states
    return plain.states - merged.states


# --- programs with equal tasks ------------------------------------------------------------------


@pytest.mark.parametrize(("name", "design", "grain", "plain", "merged"), SAVED)
def test_equal_tasks_save_states_and_change_no_answer(name, design, grain, plain, merged):
    big = Budget(seconds=None)
    a, b = (search(EQUAL[name], design, grain, symmetry, big) for symmetry in (False, True))
    assert answer(a) == answer(b)
    assert (a.states, a.positive, a.negative) == plain
    assert (b.states, b.positive, b.negative) == merged


@pytest.mark.parametrize("canonical", [False, True])
def test_it_needs_no_canonical_frames(canonical):
    kernel, program = link("linux-5.7"), EQUAL["dma-fork"]
    a, b = (
        explore(
            kernel,
            program,
            "op",
            canonical=canonical,
            engine="interpreted",
            symmetry=symmetry,
        )
        for symmetry in (False, True)
    )
    assert answer(a) == answer(b)
    assert b.states < a.states


def test_a_compiled_search_knows_no_symmetry():
    with pytest.raises(ValueError, match="symmetry"):
        explore(link(), EQUAL["dma"], "op", engine="compiled", symmetry=True)


# --- who is equal -------------------------------------------------------------------------------


def groups_of(program):
    return groups(lower(program, link()))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("exists (P:A[0] = 2)", ((1, 2),)),
        ("exists (T:A[0] = 2)", ((1, 2),)),  # the same address space
        ("exists (T:r0 = 2)", ()),
        (r"exists (T:r0 = 2 /\ U:r0 = 2)", ((1, 2),)),
        (r"exists (T:r0 = 2 /\ U:r0 = 1)", ()),
        (SAME_COND, ((1, 2),)),
        (r"exists (T:signal = 0 /\ ~ (U:signal = 0))", ()),
    ],
)
def test_the_condition_may_tell_tasks_apart(condition, expected):
    program = program_of("thread", 2, STORE_ZAP_LOAD, condition)
    assert groups_of(program) == expected
    if not expected:
        a, b = (search(program, "mainline", "step", symmetry) for symmetry in (False, True))
        assert (a.states, a.transitions) == (b.states, b.transitions)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("thread U {\n    A[0] = 2", "thread U {\n    A[0] = 3"),
        ("process P {\n", "process P on cpu 0 {\n    fork(C)\n"),
        ("thread U {\n", "thread U {\n    A[1] = 1\n"),
    ],
)
def test_tasks_that_differ_are_not_exchanged(old, new):
    program = EQUAL["store-zap-load"]
    text = format_program(program).replace(old, new)
    if "fork(C)" in text:  # C shares the CPU of U
        text = text.replace("thread U", "process C on cpu 3 {\n}\nthread U on cpu 3")
    changed = parse(text)
    assert changed.tasks != program.tasks
    assert groups_of(changed) == ()


def test_threads_of_different_processes_are_not_exchanged():
    text = format_program(EQUAL["store-zap-load"])
    text = text.replace("clone(U)", "fork(C)")
    text = text.replace("thread T", "process C {\n    clone(U)\n}\nthread T", 1)
    text = text.replace("T:r0", "P:A[0]").replace("U:r0", "P:A[0]")
    assert groups_of(parse(text)) == ()


def test_who_is_still_to_be_started_is_not_exchanged():
    program = EQUAL["load-store"]
    lowered = lower(program, link())
    found = Symmetry(link(), lowered, None)
    st = new_state()
    ip = LEAF_INDEX["task[0].ip"]
    for done, members in ((2, [[]]), (3, [[1]]), (4, [[1, 2]]), (5, [[1, 2, 3]])):
        st.leaves[ip] = done
        assert found._interchangeable(st.leaves) == members


# --- which kernels ------------------------------------------------------------------------------


def test_every_function_of_the_model_that_tells_tasks_apart_is_audited():
    """A new one must be read: does the order of its loops, or which task it is, matter?"""
    assert unaudited(link()) == ()
    names = set(link().symbols.functions)
    assert names >= AUDITED, "gone"


@pytest.mark.parametrize(
    "body",
    [
        "st.private[0] = t",
        "st.private[0] = st.task[t].cpu",
        "if st.folio[pfn].locked > 2:\n        return 0",
        "flush_tlb_func(st, 1, 0, 1)",
        "if st.task[1].ip:\n        return 0",
        "st.private[0] = pte_lock_holder(st, 0, 0)",
        "for i in range(st.nr_tasks):\n        st.private[0] = i",
    ],
)
def test_a_design_that_tells_tasks_apart_gets_no_symmetry(tmp_path, body):
    imports = (
        "from pagefault.hw.tlb import flush_tlb_func\n"
        "from pagefault.mm.memory import pte_lock_holder\n"
    )
    head = imports if "flush" in body or "holder" in body else ""
    head = "\n".join(x for x in head.splitlines() if x.split()[-1] in body)
    source = f'"""A."""\n\n{head}\n\ndef folio_lock(st, t, pfn):\n    yield "x"\n    {body}\n'
    design = tmp_path / "a.py"
    design.write_text(source)
    kernel = link(design)
    assert unaudited(kernel) == ("folio_lock",)
    assert Symmetry(kernel, lower(EQUAL["dma"], kernel), None).groups == ()


def test_a_property_of_a_design_is_looked_at(tmp_path):
    design = tmp_path / "a.py"
    design.write_text(
        '"""A."""\n\nfrom pagefault.designs import always\n\n'
        'PARTS = ["no-unshare"]\n\n\n@always\n'
        'def first_is_quiet(st):\n    """The first CPU is quiet."""\n'
        "    return not st.cpu[0].irqs_off\n"
    )
    assert unaudited(link(design)) == ("first_is_quiet",)


def test_every_field_that_names_a_task_or_a_cpu_says_so():
    """By the words that say it in layout.py's comments and names."""
    names = {leaf.path.rpartition(".")[2].partition("[")[0]: leaf.who for leaf in LEAVES}
    marked = {name: who for name, who in names.items() if who}
    assert marked == {
        "cpu": "cpu",
        "cpus": "cpus",
        "current_task": "task",
        "locked": "task",
        "mm_cpumask": "cpus",
        "mutex": "task",
        "pmd_ptl": "task",
        "ptl": "task",
        "stale_cpus": "cpus",
    }
    assert all(
        "cpu" not in n and "task" not in n
        for n in names
        if n not in marked | {"nr_cpus": "", "nr_tasks": ""}
    )


# --- the claim itself ---------------------------------------------------------------------------


def successors(kernel, lowered, grain, canonical, leaves):
    """All that can come next, with what it breaks: canonical states and bugs, each once."""
    engine = Engine(kernel, lowered, grain)
    st = new_state()
    found = set()
    for t in range(len(lowered.tasks)):
        choices = ()
        while choices is not None:
            st.leaves[:] = leaves
            set_choices(st.leaves, choices)
            outcome = engine.step(st, t)
            made, arity = take_choices(st.leaves)
            if outcome == MOVED:
                canonical.apply(st.leaves)
                found.add((t, tuple(st.leaves)))
            choices = next_choices(made, arity)
    return found


def exchanged(found, canonical, states, order):
    result = set()
    for t, state in states:
        leaves = list(state)
        found.exchange(leaves, order)
        canonical.apply(leaves)
        result.add((order[t], tuple(leaves)))
    return result


def fair(found, states):
    """Those that the search goes on from, and by which task it is led to others."""
    going, barred = set(), set()
    for t, leaves in states:
        try:
            found.check(leaves)
            going.add((t, leaves))
        except Asymmetry:
            barred.add(t)
    return going, barred


def assert_fair(program, design, grain, limit=400, exchange=None):
    """What follows a state with tasks exchanged is what follows it, with tasks exchanged."""
    kernel = link(design)
    lowered = lower(program, kernel)
    plain = _Search(kernel, program, grain, SMALL, None, True)
    plain.run()
    canonical = Canonical(kernel)
    found = Symmetry(kernel, lowered, canonical)
    if exchange:
        found.exchange = lambda leaves, order: exchange(found, leaves, order)
    tried = 0
    keys = random.Random(0).sample(plain.keys, min(limit, len(plain.keys)))
    for key in keys:
        leaves = plain.codec.decode(key)
        try:
            found.check(leaves)
        except Asymmetry:
            continue
        here = successors(kernel, lowered, grain, canonical, leaves)
        for members in found._interchangeable(leaves):
            for way in permutations(members):
                order = list(range(len(symmetry._SAME)))
                for t, u in zip(members, way, strict=True):
                    order[t] = u
                if order == list(symmetry._SAME):
                    continue
                other = list(leaves)
                found.exchange(other, tuple(order))
                canonical.apply(other)
                there = successors(kernel, lowered, grain, canonical, other)
                mine, mine_barred = fair(found, exchanged(found, canonical, here, tuple(order)))
                its, its_barred = fair(found, there)
                assert mine == its
                assert mine_barred == its_barred
                tried += 1
    return tried


@pytest.mark.parametrize("grain", ["op", "step"])
@pytest.mark.parametrize("design", ["mainline", "linux-5.7", KERNELS / "zaps_without_a_flush.py"])
@pytest.mark.parametrize("name", EQUAL)
def test_exchanging_tasks_commutes_with_a_step(name, design, grain):
    assert assert_fair(EQUAL[name], design, grain) > 0


def test_exchanging_twice_changes_nothing():
    rng = random.Random(1)
    kernel = link()
    found = Symmetry(kernel, lower(EQUAL["zap-load"], kernel), None)
    for _ in range(20):
        before = [0] * len(LEAVES)
        for i, leaf in enumerate(LEAVES):
            high = {"task": 5, "cpu": 4, "cpus": 16}.get(leaf.who, 3)
            if not leaf.path.endswith((".depth", ".path", ".pc")):
                before[i] = rng.randrange(high)
        after = list(before)
        found.exchange(after, (0, 2, 3, 1, 4, 5))
        assert after != before
        found.exchange(after, (0, 3, 1, 2, 4, 5))
        assert after == before


# --- traces -------------------------------------------------------------------------------------


def assert_real(trace, kernel, program, grain):
    """Every step of a trace is one that the engine takes from the state before it."""
    lowered = lower(program, kernel)
    canonical = Canonical(kernel)
    engine = Engine(kernel, lowered, grain)
    st = new_state()
    st.leaves[:] = trace.initial
    for step in trace.steps:
        assert list(step.before) == st.leaves
        before = list(step.before)
        canonical.apply(before)
        wanted = list(step.after)
        canonical.apply(wanted)
        assert step.text == program.tasks[step.task].statements[step.statement].text
        choices = ()
        met = False
        while choices is not None and not met:
            st.leaves[:] = before
            set_choices(st.leaves, choices)
            engine.step(st, step.task)
            made, arity = take_choices(st.leaves)
            st.leaves[BROKEN] = 0
            is_bug = st.leaves[BUG]
            canonical.apply(st.leaves)
            met = st.leaves == wanted or bool(is_bug)
            choices = next_choices(made, arity)
        assert met, step
        st.leaves[:] = step.after
    return st


@pytest.mark.parametrize("grain", ["op", "step"])
@pytest.mark.parametrize("design", ["mainline", "linux-5.7"])
@pytest.mark.parametrize("name", EQUAL)
def test_traces_are_real(name, design, grain):
    program, kernel = EQUAL[name], link(design)
    result = search(program, design, grain, symmetry=True, budget=Budget(seconds=None))
    for trace in result.breaches.values():
        assert_real(trace, kernel, program, grain)
    for shows, trace in result.finals.items():
        st = assert_real(trace, kernel, program, grain)
        holds = satisfies(program, st, program.condition.expr)
        assert holds == (shows == "witness")


def test_a_deadlock_names_the_tasks_of_its_trace():
    design = KERNELS / "forgets_to_unlock.py"
    for name in ("store-zap-load", "zap-load", "load-store"):
        result = search(EQUAL[name], design, "step", symmetry=True)
        if trace := result.breaches.get("no-deadlock"):
            assert_real(trace, link(design), EQUAL[name], "step")
            runs = {step.task for step in trace.steps}
            assert trace.detail
            assert runs


# --- other programs -----------------------------------------------------------------------------


@pytest.mark.parametrize("grain", ["op", "step"])
@pytest.mark.parametrize("design", ["mainline", "linux-5.7"])
def test_the_catalogue_has_the_same_answers(design, grain):
    """Programs without equal tasks are searched as ever: symmetry has no groups there."""
    kernel = link(design)
    with_groups = [e for e in catalogue() if groups(lower(e.program, kernel))]
    assert [e.name for e in with_groups] == [
        "gup+vmsplice+vmsplice+read-read",
        "gup+vmsplice-vmsplice+read+read",
    ]
    for entry in with_groups:
        budget = Budget(states=20_000, seconds=None)
        a, b = (search(entry.program, design, grain, s, budget) for s in (False, True))
        if a.complete:
            assert answer(a) == answer(b)
    for entry in catalogue()[::40]:
        assert_same(entry.program, design, grain)


def doubled(program, seed):
    """The program with one more task that does what one of its threads or devices does.

    None if it has none. What only looks at tasks that are there is not checked again.
    """
    able = [
        task
        for task in program.tasks
        if task.kind != "process"
        and not any(isinstance(arg, Name) for s in task.statements for arg in s.args)
    ]
    if not able or len(program.tasks) > 4:
        return None
    task = random.Random(seed).choice(able)
    twin = _renamed(task, "Z")
    tasks = []
    for other in program.tasks:
        statements = []
        for statement in other.statements:
            statements.append(statement)
            if statement.verb == "clone" and statement.args == (Name(task.name),):
                statements.append(Statement("clone", (Name("Z"),), text="clone(Z)"))
        tasks.append(replace(other, statements=tuple(statements)))
    sides = [t for t in tasks if t.cpu is not None]
    if sides or sum(t.kind != "device" for t in tasks) == 4:
        return None
    condition = program.condition
    if getattr(condition.expr, "left", None) and condition.expr.left.task == task.name:
        left = condition.expr.left
        if isinstance(left, Register):
            both = replace(condition.expr, left=replace(left, task="Z"))
            condition = replace(condition, expr=symmetry.Or((condition.expr, both)))
    at = tasks.index(next(t for t in tasks if t.name == task.name)) + 1
    return replace(program, tasks=(*tasks[:at], twin, *tasks[at:]), condition=condition)


def _renamed(task: Task, name: str) -> Task:
    def own(thing):
        if isinstance(thing, Register) and thing.task == task.name:
            return replace(thing, task=name)
        return thing

    return replace(
        task,
        name=name,
        statements=tuple(
            replace(s, args=tuple(own(a) for a in s.args), dest=own(s.dest))
            for s in task.statements
        ),
    )


@pytest.mark.parametrize("seed", range(FIRST, FIRST + PROGRAMS))
def test_programs_made_by_dice(seed):
    program = generate(seed, tasks=2 + seed % 2, statements=1 + seed % 3, pages=1 + seed % 2)
    twins = doubled(program, seed)
    for grain in ("op", "step"):
        for design in ("mainline", "linux-5.7"):
            if twins is None:
                assert_same(program, design, grain)
            else:
                assert groups_of(twins)
                assert_same(twins, design, grain)


# --- sabotage -----------------------------------------------------------------------------------


def forgets_the_tlbs(found, leaves, order):
    """Exchanges everything but what the CPUs' TLBs hold."""
    tlbs = {i: leaves[i] for i, leaf in enumerate(LEAVES) if ".tlb[" in leaf.path}
    Symmetry_exchange(found, leaves, order)
    for i, value in tlbs.items():
        leaves[i] = value


Symmetry_exchange = Symmetry.exchange


def test_an_exchange_that_forgets_the_tlbs_does_not_commute():
    program = EQUAL["store-zap-load"]
    with pytest.raises(AssertionError):
        assert_fair(program, KERNELS / "zaps_without_a_flush.py", "op", exchange=forgets_the_tlbs)


@pytest.mark.parametrize(("name", "grain"), [("zap-load", "op"), ("store-zap-load", "step")])
def test_an_exchange_that_forgets_the_tlbs_is_noticed_by_the_comparison(monkeypatch, name, grain):
    monkeypatch.setattr(Symmetry, "exchange", forgets_the_tlbs)
    a, b = (search(EQUAL[name], "mainline", grain, symmetry) for symmetry in (False, True))
    assert answer(a) != answer(b)
