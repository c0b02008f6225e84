"""What a text means, and that printing loses nothing."""

import dataclasses

import pytest

from pagefault import lang
from pagefault.errors import LitmusError
from pagefault.lang import (
    And,
    Atom,
    Cell,
    Code,
    Int,
    Memory,
    Name,
    Not,
    Or,
    Page,
    Pin,
    Pipe,
    Range,
    Register,
    Signal,
    Statement,
    Words,
    format_condition,
    format_program,
    load,
    parse,
)
from pagefault.lang.verbs import VERBS
from pagefault.verdict import Verdict


def only(text):
    """The last statement of the first task."""
    return parse(text).tasks[0].statements[-1]


def words(group, *which):
    return Words(group, frozenset(which))


def test_everything_parses_and_round_trips(everything):
    program = parse(everything, "some/where/everything.litmus")
    assert program.name == "everything"
    again = parse(format_program(program), "everything.litmus")
    assert again == program
    assert format_program(again) == format_program(program)
    used = {statement.verb for task in program.tasks for statement in task.statements}
    assert used == set(VERBS), "the text should use every verb"


def test_names_stand_in_the_order_of_the_text(everything):
    program = parse(everything)
    assert program.pages == ("A", "B", "C", "X")
    assert program.pins == ("h", "g", "d")
    assert program.pipes == ("p",)
    assert program.mirrors == ("m",)
    assert [task.name for task in program.tasks] == ["P", "Q", "T", "U", "S", "D"]
    assert [task.kind for task in program.tasks] == [
        "process",
        "process",
        "thread",
        "thread",
        "process",
        "device",
    ]
    assert [task.parent for task in program.tasks] == [None, "P", "P", "P", None, None]
    assert [task.cpu for task in program.tasks] == [0, None, 0, 0, 0, None]
    assert program.task("T").statements[0].verb == "read"
    assert program.task_index("D") == 5


def test_header(everything):
    header = parse(everything).header
    assert header.author == "the tests"
    assert header.requires == ("userfaultfd", "swap")
    assert header.danger == "an oops, where the bug is"
    claims = [(c.design, c.verdict, c.grains, c.breaks) for c in header.expect]
    assert claims == [
        ("linux-5.10", Verdict.ALWAYS, ("op",), ("coherent",)),
        ("mainline", Verdict.NEVER, ("op",), ()),
        ("mainline", Verdict.SOMETIMES, ("step",), ("private", "counts")),
        ("design_of_mine", Verdict.UNKNOWN, ("op", "step"), ()),
    ]
    assert header.expect[0].by == "a mail"
    assert header.expect[0].why == "so"
    assert [claim.at.line for claim in header.expect] == [8, 9, 9, 13]


@pytest.mark.parametrize(
    ("text", "verb", "args", "dest"),
    [
        ("r0 = A[1]", "user_load", (Cell("A", 1),), "r0"),
        ("A[1] = 2", "user_store", (Cell("A", 1), Int(2)), None),
        (
            "C, D = mmap(anon, private, rw)",
            "mmap",
            (Range("C", "D"), words("prot", "rw"), words("map", "anon", "private")),
            None,
        ),
        (
            "r1 = mmap(A, anon, private, none)",
            "mmap",
            (Range("A", "A"), words("prot", "none"), words("map", "anon", "private", "fixed")),
            "r1",
        ),
        ("munmap(A..B)", "munmap", (Range("A", "B"),), None),
        ("r1 = mprotect(A, r)", "mprotect", (Range("A", "A"), words("prot", "r")), "r1"),
        (
            "madvise(B, wipeonfork)",
            "madvise",
            (Range("B", "B"), words("advice", "wipeonfork")),
            None,
        ),
        ("C, D = mremap(A..B)", "mremap", (Range("A", "B"), Page("C")), None),
        ("exit()", "exit", (), None),
        (
            "h = pin(A, write, longterm)",
            "pin",
            (Page("A"), Pin("h"), words("gup", "write", "longterm")),
            None,
        ),
        (
            "h = get(A, slow, read)",
            "get",
            (Page("A"), Pin("h"), words("gup", "read", "slow")),
            None,
        ),
        ("vmsplice(A, p)", "vmsplice", (Page("A"), Pipe("p")), None),
        (
            "process_vm_writev(P, A[1], 5)",
            "process_vm_writev",
            (Name("P"), Cell("A", 1), Int(5)),
            None,
        ),
    ],
)
def test_statement(around, text, verb, args, dest):
    register = None if dest is None else Register("P", dest)
    assert only(around(text)) == Statement(verb, args, register)


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("unpin(h)", (Pin("h"), words("drop"))),
        ("unpin(h, dirty)", (Pin("h"), words("drop", "dirty"))),
        ("r0 = dma_read(h)", (Pin("h", 0),)),
        ("r0 = dma_read(h[3])", (Pin("h", 3),)),
        ("dma_write(h[1], 5)", (Pin("h", 1), Int(5))),
    ],
)
def test_statement_about_a_pin(around, text, args):
    assert only(around("h = pin(A, read)", text)).args == args


def test_a_store_of_a_register(around):
    statement = only(around("r3 = B[0]", "A[1] = r3"))
    assert statement.args == (Cell("A", 1), Register("P", "r3"))
    assert statement.args[1].index == 3


def test_places_and_text(around):
    statement = only(around("  h = pin( A,longterm , write )  # why"))
    assert (statement.line, statement.column) == (7, 7)
    assert statement.text == "h = pin(A, write, longterm)"


def test_places_do_not_count_in_comparisons(around):
    assert only(around("r0 = A[0]")) == only(around("# a comment", "  r0 = A[0]"))


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("P:r0 = 1", Atom(Register("P", "r0"), Int(1))),
        ("P:r0 != EFAULT", Atom(Register("P", "r0"), Code("EFAULT"), equal=False)),
        ("P:A[2] = 1", Atom(Memory("P", "A", 2), Int(1))),
        ("P:signal = SIGSEGV", Atom(Signal("P"), Code("SIGSEGV"))),
        ("P:signal = 0", Atom(Signal("P"), Int(0))),
    ],
)
def test_condition_atom(around, text, expr):
    program = parse(around("r0 = A[0]", condition=f"forall ({text})"))
    assert program.condition.quantifier == "forall"
    assert program.condition.expr == expr
    assert format_condition(program.condition) == f"forall ({text})"


def test_condition_precedence(around):
    a, b, c, d = (Atom(Memory("P", "A", n), Int(1)) for n in range(4))
    texts = [f"P:A[{n}] = 1" for n in range(4)]

    def expr(pattern):
        text = pattern.format(*texts)
        condition = parse(around(condition=f"exists ({text})")).condition
        assert parse(around(condition=format_condition(condition))).condition == condition
        return condition.expr

    assert expr("{0} or {1} and not {2} or {3}") == Or((a, And((b, Not(c))), d))
    assert expr(r"({0} \/ {1}) /\ {2}") == And((Or((a, b)), c))
    assert expr(r"{0} /\ ({1} /\ ({2} /\ {3}))") == And((a, b, c, d))
    assert expr("~~(~({0} or {1}))") == Not(Not(Not(Or((a, b)))))


def test_format_is_the_other_name_of_format_program():
    assert lang.format is format_program


def test_codes():
    assert Code("SIGBUS").is_signal
    assert not Code("EINVAL").is_signal


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "\n\n" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("    ", "\t"),
        lambda text: text.replace("+++\n", "+++  \n"),
        lambda text: text.replace("\n}\n", "}"),
        lambda text: text.replace("process Q {", "process Q\n\n{ ;; "),
    ],
)
def test_layout_does_not_matter(everything, change):
    assert parse(change(everything)) == parse(everything)


def test_a_condition_may_be_long(around):
    text = r" /\ ".join(["P:A[0] = 1"] * 20) + "\n" + r"/\ P:A[0] = 1" * 2
    program = parse(around(condition=f"exists ({text})"))
    assert len(program.condition.expr.operands) == 22


def test_parentheses_may_nest_deep(around):
    flat = parse(around(condition="exists (P:A[0] = 1)"))
    deep = "\n".join(["exists (", *["(" * 400] * 20, "P:A[0] = 1", *[")" * 400] * 20, ")"])
    assert parse(around(condition=deep)) == flat


def test_programs_are_values(everything):
    program = parse(everything)
    assert hash(program) == hash(parse(everything))
    with pytest.raises(dataclasses.FrozenInstanceError):
        program.name = "x"


def test_processes_may_use_one_name_for_their_own_pages():
    program = parse(
        '+++\ntitle = "t"\nsource = "s"\n+++\n'
        "process P { A, B = mmap(anon, private, rw) }\n"
        "process Q { A = mmap(anon, private, r); B = mmap(anon, private, r) }\n"
        "exists (Q:A[0] = 0)"
    )
    assert program.pages == ("A", "B")


def test_load(tmp_path, everything):
    path = tmp_path / "cow+x.litmus"
    path.write_text(everything, encoding="utf-8")
    program = load(path)
    assert (program.name, program.path) == ("cow+x", path)
    assert program == parse(everything, "cow+x")


def test_load_says_what_is_wrong_with_the_file(tmp_path):
    with pytest.raises(LitmusError, match="can't read it: No such file"):
        load(tmp_path / "none.litmus")
    with pytest.raises(LitmusError, match="can't read it: Is a directory"):
        load(tmp_path)
    with pytest.raises(LitmusError, match="can't read it"):
        load("a\0b")
    path = tmp_path / "latin.litmus"
    path.write_bytes(b'+++\ntitle = "caf\xe9"\n')
    with pytest.raises(LitmusError, match="byte 0xe9 is not UTF-8") as caught:
        load(path)
    assert (caught.value.line, caught.value.column) == (2, 13)
    path.write_bytes(b"x" * 1_000_000)
    with pytest.raises(LitmusError, match="more than 262144 bytes"):
        load(path)
