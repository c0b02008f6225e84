"""The linker knows the state's layout, and which locals are set: mistakes are told with a place."""

from __future__ import annotations

import pytest

# Body of `def f(st, t, x)`, column of the error in its last line, message, hint.
WRONG = [
    ("x = st.folio[x].nonesuch", 9, "a Folio has no field nonesuch", "layout.py has refcount"),
    ("x = st.folio[x].refcont", 9, "a Folio has no field refcont", "did you mean refcount"),
    ("x = st.nonesuch", 9, "the state has no field nonesuch", "layout.py has nr_tasks"),
    ("st.nonesuch = 1", 5, "the state has no field nonesuch", "layout.py has"),
    ("st.nonesuch += 1", 5, "the state has no field nonesuch", "layout.py has"),
    ("x = st.folio.refcount", 9, "st.folio is an array", "st.folio[...].refcount"),
    ("x = st.bug[0]", 9, "st.bug is an integer", None),
    ("x = st.task[0][1]", 9, "st.task[0] is no array", None),
    ("x = st.page[x].cell", 9, "st.page[x].cell is an array of", "st.page[x].cell[...]"),
    ("x = st.page[x].cell[0][1]", 9, "st.page[x].cell[0] is an integer", None),
    ("x = st.bug.bug", 9, "st.bug is an integer and has no field bug", None),
    ("return st.folio[x]", 12, "st.folio[x] is a Folio, not a value", "refcount"),
    ("return st.leaves", 12, "the state has no field leaves", "layout.py has"),
    ("return st.__class__", 12, "the state has no field __class__", "layout.py has"),
    ("st.folio[x] = 1", 5, "st.folio[x] is a Folio", "refcount"),
    ("page = st.page[x]\nreturn page.mapcuont", 12, "a Page has no field mapcuont", "mapcount"),
    ("page = st.page[x]\nreturn page", 12, "page is a Page, not a value", "cell"),
    ("page = st.page[x]\nreturn page + 1", 12, "page is a Page, not a value", "cell"),
    ("if x:\n    v = 1\nv = st.page[x]", 9, "st.page[x] is a Page, not a value", "cell"),
    ("v = st.page[x]\nif x:\n    v = st.folio[x]\nx = v.order", 9, "different things", "let each"),
    ("return x.refcount", 12, "x is an integer and has no field refcount", None),
    ("if x:\n    y = 1\nreturn y", 12, "y may be read before it is set", "every way"),
    ("while x:\n    y = 1\n    x -= 1\nreturn y", 12, "y may be read before it is set", "every"),
    ("for i in range(x):\n    y = i\nx = y", 9, "y may be read before it is set", "every way"),
    ("y += 1", 5, "y may be read before it is set", "every way"),
    ("while 1:\n    if x:\n        break\n    y = 1\nx = y", 9, "y may be read before", "every"),
    ('yield "a"\nif x:\n    y = 1\nyield "b"\nx = y', 9, "y may be read before it is set", "every"),
    ("while 1: pass", 5, "this loop never ends", "changes what it tests"),
    ("while NR_MM: x += 1", 5, "this loop never ends", "changes what it tests"),
    ("while x: pass", 5, "this loop never ends", "changes what it tests"),
    ("x = choose(st, 1000000)", 20, "choose() one of 1000000", None),
    ("x = choose(st, 0)", 20, "choose() one of 0", None),
    ("x = 1 << 1000000000000", 14, "a shift by 1000000000000", None),
    ("x = x >> -1", 14, "a shift by -1", None),
    ("x = 99999999999999999999", 9, "an integer has 64 bits", None),
    ("for i in range(1 << 40): x = i", 20, "a loop of more than 10000 rounds", None),
]


@pytest.mark.parametrize(("body", "column", "message", "hint"), WRONG, ids=[w[0] for w in WRONG])
def test_what_the_linker_refuses(model, body, column, message, hint):
    lines = body.split("\n")
    text = "def f(st, t, x):\n" + "".join(f"    {line}\n" for line in lines) + "    st.bug = x\n"
    error = model(text).fails()
    assert message in error.message
    line = next(i for i, x in enumerate(lines, start=2) if x.startswith(lines[-1]))
    assert (error.line, error.column) == (line, column)
    assert hint is None or hint in (error.hint or "")


def test_a_design_gets_the_same_error(model):
    m = model("def f(st, x):\n    return x\n")
    error = m.refuses('"""Wrong."""\n\n\ndef f(st, x):\n    return st.folio[x].refs\n')
    assert (error.line, error.column) == (5, 12)
    assert "a Folio has no field refs" in error.message


@pytest.mark.parametrize(
    "body",
    [
        "page = st.page[x]\npage.mapcount += 1\nreturn page.cell[0]",
        "frame = st.task[x].frame[0]\nother = frame\nreturn other.reg[1]",
        "if x:\n    y = 1\nelse:\n    y = 2\nreturn y",
        "if x:\n    y = 1\nelse:\n    return 0\nreturn y",
        "while 1:\n    y = x\n    if y:\n        break\nreturn y",
        "while 1:\n    return x",
        "while x:\n    x -= 1\nreturn choose(st, 2)",
        "for i in range(3):\n    if i:\n        continue\n    y = i\n    x = y\nreturn x",
    ],
)
def test_what_it_allows(model, body):
    model("def f(st, t, x):\n" + "".join(f"    {line}\n" for line in body.split("\n"))).link()
