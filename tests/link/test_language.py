"""The language of paths: what a function of the model may not say, and what it is told."""

from __future__ import annotations

import pytest

from pagefault.errors import ModelError

PRELUDE = """
def note(st, x):
    st.private[0] = x


def double(st, x):
    return 2 * x


def path(st, t, pfn):
    yield "path"
    return 1


def quiet(st, t):
    yield "quiet"
    if st.bug:
        return 1
"""

# Name, body of `def f(st, t, x):`, line of the error in it, message, hint.
WRONG = [
    (
        "guard_late",
        'yield "a"\nx += 1\nwhile x:\n    yield BLOCKED',
        3,
        "a guard must follow",
        "put",
    ),
    ("guard_alone", "yield BLOCKED", 1, "stands only in a guard", "while <not yet>"),
    ("guard_in_if", "if x:\n    while x:\n        yield WAITING", 2, "a guard must follow", "put"),
    ("break_alone", "break", 1, "`break` stands in a loop only", None),
    ("continue_in_if", 'yield "a"\nif x:\n    continue', 3, "in a loop only", None),
    ("label_missing", 'yield ""', 1, "needs a label", None),
    ("label_number", "yield 3", 1, "labelled by a text", 'yield "PTL dropped"'),
    ("value_of_a_switch", 'x = yield "a"', 1, "a switch point has no value", None),
    ("call_in_if", "if (yield from path(st, t, x)):\n    pass", 1, "statement level", "x = yield"),
    ("result_to_state", "st.bug = yield from path(st, t, x)", 1, "one local name", "then store x"),
    ("result_in_place", "x += yield from path(st, t, x)", 1, "statement level", None),
    ("from_plain", "yield from double(st, x)", 1, "double is a plain function", "without"),
    (
        "plain_call_of_path",
        'yield "a"\nx = path(st, t, x)',
        2,
        "path is a generator",
        "yield from path",
    ),
    ("other_task", "yield from path(st, x, x)", 1, "with `st, t` first", None),
    ("arity", 'yield "a"\nx = double(st)', 2, "1 arguments for double(st, x)", "mm/memory.py:"),
    ("keyword", 'yield "a"\nx = double(st, x=1)', 2, "by position", None),
    ("void_value", 'yield "a"\nx = note(st, 1)', 2, "the value of note() is used", "mm/memory.py:"),
    ("void_path_value", "x = yield from quiet(st, t)", 1, "the value of quiet() is used", None),
    ("pfn_to_number", "pfn = x\nyield from f(st, t, pfn)", 2, "pfn is a pfn, parameter x", "x_pfn"),
    ("lost_pfn", 'y = st.pin[0].pfn\nyield "a"\nreturn y', 1, "y holds a pfn beyond", "y_pfn"),
    (
        "pfn_loop",
        'for pfn in range(3):\n    yield "a"',
        1,
        "loop over page frame numbers",
        "choose",
    ),
    ("view", 'v = st.task[0]\nyield "a"\nv.ip = 1', 3, "v stands for a part of the state", "index"),
    ("step", 'for i in range(0, 5, x):\n    yield "a"', 1, "the step of a loop", None),
    ("loop_else", 'while x:\n    yield "a"\nelse:\n    pass', 4, "`while` has no `else`", None),
    ("for_list", 'for i in (1, 2):\n    yield "a"', 1, "range(...) only", None),
    ("float", 'yield "a"\nx = 1.5', 2, "1.5 is not an integer", None),
    ("division", 'yield "a"\nx = x / 2', 2, "values are integers", "use //"),
    ("text", 'yield "a"\nx = "b"', 2, "'b' is not an integer", None),
    ("none", 'yield "a"\nreturn None', 2, "None is not an integer", None),
    ("tuple", 'yield "a"\nx, y = 1, 2', 2, "a tuple cannot be assigned to", "one name"),
    ("is", 'yield "a"\nreturn x is 1', 2, "values are integers", "=="),
    ("state_value", 'yield "a"\ny = st', 2, "`st` is not a value", None),
    ("assign_t", 'yield "a"\nt = 1', 2, "`t` cannot be assigned to", None),
    ("module", 'yield "a"\nx = consts.NR_MM', 2, "consts is not the state", "one by one"),
    ("method", 'yield "a"\nst.task.copy()', 2, "only functions of the model", None),
    ("nested", 'yield "a"\ndef g():\n    pass', 2, "a function inside a function", None),
    ("lambda", 'yield "a"\nx = lambda: 1', 2, "a lambda is not part", None),
    ("with", 'with x:\n    yield "a"', 1, "a `with` block is not part", None),
    ("assert", 'yield "a"\nassert x', 2, "an `assert` is not part", None),
    ("effect", 'yield "a"\nx + 1', 2, "this has no effect", None),
    ("typo", 'yield "a"\nx = NR_TASK', 2, "NR_TASK is neither", "NR_TASKS"),
    ("typo_local", 'yield "a"\ncount = 1\nx = cuont', 3, "cuont is neither", "count"),
    ("typo_call", 'yield "a"\nx = duoble(st, x)', 2, "duoble is not a function", "double"),
]


@pytest.mark.parametrize(
    ("name", "body", "line", "message", "hint"), WRONG, ids=[w[0] for w in WRONG]
)
def test_what_is_outside_the_language(model, name, body, line, message, hint):
    indented = "".join(f"    {x}\n" for x in body.split("\n"))
    text = f"{PRELUDE}\n\ndef f(st, t, x):\n{indented}".lstrip("\n")
    before = text[: text.index("def f(")].count("\n") + 1
    m = model(text)
    error = m.fails()
    assert isinstance(error, ModelError)
    assert message in error.message
    assert (error.path, error.line) == (m.root / "mm" / "memory.py", before + line)
    assert error.source_line is not None
    if hint:
        assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(t, st):\n    yield 'a'\n", "st stands in the wrong place"),
        ("def f(st, x):\n    yield 'a'\n", "a generator's first parameters are `st, t`"),
        ("def f(st, x=1):\n    return x\n", "only plain parameters"),
        ("def f(st):\n    return g(st)\n\n\ndef g(st):\n    return f(st)\n", "call themselves"),
        ("@once\ndef f(st):\n    return 1\n", "f has a decorator"),
        ("def switch_to(st, t):\n    return 1\n", "switch_to is also defined in"),
        ("import os\n", "`import x` may not stand at the top level of a model file"),
        ("def f(st\n", "syntax error"),
    ],
)
def test_a_baseline_at_fault(model, text, message):
    assert message in model(text).fails().message


def test_too_many_registers(model):
    names = [f"x{i}" for i in range(13)]
    lines = [f"    {n} = {i}" for i, n in enumerate(names)]
    text = "\n".join(
        ["def f(st, t):", *lines, '    yield "a"', f"    return {' + '.join(names)}", ""]
    )
    error = model(text).fails()
    assert error.message == "f needs 13 registers, a frame has 12"
    assert "x12" in (error.hint or "")
