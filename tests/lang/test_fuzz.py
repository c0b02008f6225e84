"""Whatever the text: a program that round trips, or a LitmusError. Nothing else."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagefault.errors import LitmusError
from pagefault.lang import format_program, parse
from pagefault.lang.verbs import ERRNOS, RESERVED, VERBS

PIECES = [
    *sorted(RESERVED),
    *ERRNOS,
    *(example for verb in VERBS.values() for example in verb.examples),
    *"ABCXPQTDhgp{}()[]=,;:~#'\"\\/\n\t\0\r",
    *["r0", "r8", "..", "!=", "/\\", "\\/", "//", "+++", "\n+++\n", " on cpu 1 ", "-1", "0", "3"],
    *["9" * 30, "é", "\ufeff", "\ud800", "[expect]", '"mainline" = {', "title", "grain", "= 5\n"],
]


def check(text):
    try:
        program = parse(text, "fuzz.litmus")
    except LitmusError as error:
        caught = error
    else:
        assert parse(format_program(program), "fuzz.litmus") == program
        return
    assert str(caught)
    lines = text.count("\n") + text.count("\r") + 1
    assert caught.line is None or 1 <= caught.line <= lines


@given(st.data())
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_mutations_of_a_valid_text(everything, data):
    """Take tokens out, put pieces in, swap: a few times over."""
    tokens = re.findall(r"\w+|\s+|.", everything)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(tokens) - 1))
        match data.draw(st.sampled_from(["delete", "insert", "replace", "copy", "cut"])):
            case "delete":
                del tokens[at : at + data.draw(st.integers(1, 10))]
                tokens = tokens or [""]
            case "insert":
                tokens.insert(at, data.draw(st.sampled_from(PIECES)))
            case "replace":
                tokens[at] = data.draw(st.sampled_from(PIECES))
            case "copy":
                start = data.draw(st.integers(0, len(tokens) - 1))
                tokens[at:at] = tokens[start : start + data.draw(st.integers(1, 20))]
            case "cut":
                del tokens[at + 1 :]
    check("".join(tokens))


@given(st.lists(st.sampled_from(PIECES), max_size=30))
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_pieces_in_a_task(around, pieces):
    check(around(" ".join(pieces)))


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text(text):
    check(text)
    check(f"+++\n{text}\n+++\n")
    check(f'+++\ntitle = "t"\nsource = "s"\n+++\n{text}')
