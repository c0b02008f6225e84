"""Designs: how one is found and laid over the baseline, and what a malformed one is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from link_models import Model

from pagefault.errors import DesignError
from pagefault.link import designs, link

BASELINE = """
    def may_reuse(st, mm, pfn):
        return st.folio[pfn].refcount == 1


    def fault(st, t, mm, pfn):
        yield "fault"
        if may_reuse(st, mm, pfn):
            return 1
        yield from copy(st, t, pfn)
        return 0


    def copy(st, t, pfn):
        yield "copy"
        st.folio[pfn].refcount -= 1
"""


@pytest.fixture
def kernel_model(model) -> Model:
    return model(BASELINE)


def test_a_design_replaces_functions_by_name(kernel_model, st):
    kernel = kernel_model.design('''
        """Reuse always.

        Proposed by nobody.
        """

        def may_reuse(st, mm, pfn):
            return 1
    ''')
    assert kernel.name == "mine"
    assert kernel.idea == "Reuse always."
    assert "nobody" in kernel.doc
    assert list(kernel.overrides) == ["may_reuse"]
    assert (kernel.overrides["may_reuse"].home, kernel.overrides["may_reuse"].line) == (
        "designs/mine.py",
        6,
    )
    assert kernel.function("may_reuse")(st, 0, 3) == 1
    assert kernel_model.link().function("may_reuse")(st, 0, 3) == 0


def test_parts_are_laid_over_together(kernel_model):
    kernel_model.write(
        "designs/parts/reuse_always.py",
        '''
        """Reuse."""

        NOT_PROMISED = ["no-stale-tlb"]

        def may_reuse(st, mm, pfn):
            return 1
    ''',
    )
    kernel_model.write(
        "designs/parts/no_copy.py",
        '''
        """Copy nothing."""

        def copy(st, t, pfn):
            yield "no copy"
    ''',
    )
    kernel = kernel_model.design('''
        """Both."""

        PARTS = ["reuse-always", "no-copy"]
        NOT_PROMISED = ["progress"]
    ''')
    assert kernel.parts == ("reuse-always", "no-copy")
    assert sorted(kernel.overrides) == ["copy", "may_reuse"]
    assert kernel.not_promised == {"progress", "no-stale-tlb"}


def test_an_outside_design_names_its_parts_by_path(kernel_model, tmp_path):
    part = tmp_path / "elsewhere" / "my_part.py"
    part.parent.mkdir()
    part.write_text('"""Part."""\n\n\ndef may_reuse(st, mm, pfn):\n    return 0\n')
    whole = part.with_name("whole.py")
    whole.write_text('"""Whole."""\n\nPARTS = ["my_part.py"]\n')
    assert kernel_model.link(whole).parts == ("my-part",)
    assert kernel_model.link(str(whole)) is kernel_model.link(whole)


def test_private_helpers_of_two_parts_do_not_clash(kernel_model, st):
    for name, function, value in (("a", "may_reuse", 7), ("b", "other", 8)):
        kernel_model.write(
            f"designs/parts/{name}.py",
            f'''
            """Part."""

            ANSWER = {value}

            def _answer(st):
                return ANSWER

            def {function}(st, mm, pfn):
                return _answer(st)
        ''',
        )
    kernel_model.write("mm/other.py", "def other(st, mm, pfn):\n    return 0\n")
    kernel = kernel_model.design('"""Both."""\n\nPARTS = ["a", "b"]\n')
    assert kernel.function("may_reuse")(st, 0, 0) == 7
    assert kernel.function("other")(st, 0, 0) == 8
    assert kernel.function("_answer__a")(st) == 7


def test_a_private_generator_becomes_a_path_behind_those_of_the_baseline(kernel_model):
    kernel = kernel_model.design('''
        """A helper that stops."""

        def _pause(st, t, pfn):
            yield "pause"
            return pfn

        def copy(st, t, pfn):
            pfn = yield from _pause(st, t, pfn)
    ''')
    assert [p.name for p in kernel.paths[1:]] == ["copy", "fault", "_pause__mine"]
    assert kernel.path("copy").callees == {1: "_pause__mine"}


def test_a_property_of_a_design(kernel_model, st):
    kernel = kernel_model.design('''
        """With a property."""

        from pagefault.designs import always

        def may_reuse(st, mm, pfn):
            return 0

        @always
        def never_two(st):
            return st.folio[1].refcount < 2
    ''')
    assert list(kernel.properties) == ["never_two"]
    assert kernel.properties["never_two"](st)
    st.folio[1].refcount = 2
    assert not kernel.properties["never_two"](st)


def test_designs_lists_mainline_first_and_releases_in_order(kernel_model):
    override = "\n\n\ndef may_reuse(st, mm, pfn):\n    return 1\n"
    for name in ("linux_5_10", "linux_5_7", "a_design", "parts/b_part"):
        kernel_model.write(f"designs/{name}.py", f'"""Idea of {name}.\n\nMore."""{override}')
    infos = designs(kernel_model.baseline)
    assert [i.name for i in infos] == ["mainline", "a-design", "linux-5.7", "linux-5.10", "b-part"]
    assert [i.is_part for i in infos] == [False, False, False, False, True]
    assert infos[2].idea == "Idea of linux_5_7."


def test_a_design_that_changes_is_linked_anew(kernel_model, st):
    text = '"""D."""\n\n\ndef may_reuse(st, mm, pfn):\n    return {}\n'
    first = kernel_model.design(text.format(10))
    assert kernel_model.link(kernel_model.root / "designs" / "mine.py") is first
    second = kernel_model.design(text.format(200))
    assert (first.function("may_reuse")(st, 0, 0), second.function("may_reuse")(st, 0, 0)) == (
        10,
        200,
    )


# --- what a malformed design is told ---------------------------------------------------------

# Name, text (the docstring is added), line of the error, message, hint.
MALFORMED = [
    ("nothing", "", 1, "replaces nothing", "define a function of mm/ or hw/ anew"),
    (
        "only_a_helper",
        "def _helper(st):\n    return 1",
        1,
        "replaces nothing",
        "define a function",
    ),
    (
        "unknown_function",
        "def may_reuze(st, mm, pfn):\n    return 1",
        3,
        "may_reuze is not a function of the baseline",
        "did you mean may_reuse?",
    ),
    (
        "wrong_parameters",
        "def may_reuse(st, pfn, mm):\n    return 1",
        3,
        "may_reuse(st, pfn, mm) does not match the baseline's may_reuse(st, mm, pfn)",
        "see mm/memory.py:1",
    ),
    (
        "generator_for_plain",
        'def may_reuse(st, mm, pfn):\n    yield "x"\n    return 1',
        3,
        "may_reuse is a generator here and a plain function in mm/memory.py:1",
        "override the callers",
    ),
    (
        "plain_for_generator",
        "def copy(st, t, pfn):\n    pass",
        3,
        "copy is a plain function here and a generator in mm/memory.py:13",
        "yield from",
    ),
    (
        "no_value",
        "def may_reuse(st, mm, pfn):\n    if pfn:\n        return 1",
        3,
        "may_reuse does not always return a value",
        "see mm/memory.py:1",
    ),
    ("unknown_part", 'PARTS = ["no-such"]', 3, "there is no part 'no-such'", "pagefault designs"),
    ("parts_is_no_list", "PARTS = 3", 3, "PARTS is not a list of names", None),
    (
        "unknown_property",
        'NOT_PROMISED = ["no-stale-tbl"]\n\ndef may_reuse(st, mm, pfn):\n    return 1',
        3,
        "there is no property 'no-stale-tbl'",
        "did you mean no-stale-tlb?",
    ),
    ("syntax", "def may_reuse(st, mm, pfn:\n    return 1", 3, "syntax error", None),
    ("top_level_if", "if 1:\n    X = 2", 3, "an `if` may not stand at the top level", None),
    ("top_level_class", "class A:\n    pass", 3, "a class may not stand at the top level", None),
    ("top_level_call", "print(1)", 3, "a call may not stand at the top level", None),
    ("top_level_import", "import os", 3, "`import x` may not stand at the top level", None),
    (
        "renaming_import",
        "from pagefault.mm.memory import copy as c",
        3,
        "copy is renamed by its import",
        "by their own names",
    ),
    ("no_integer", "NAME = 'x'", 3, "NAME is not an integer", None),
    (
        "unknown_constant",
        "def may_reuse(st, mm, pfn):\n    return PAGE_PRESEND",
        4,
        "PAGE_PRESEND is neither a local name nor a constant",
        "did you mean PAGE_PRESENT",
    ),
    (
        "unknown_callee",
        "def may_reuse(st, mm, pfn):\n    return folio_count(st, pfn)",
        4,
        "folio_count is not a function of the model",
        None,
    ),
    (
        "calls_a_generator",
        "def may_reuse(st, mm, pfn):\n    copy(st, 0, pfn)\n    return 1",
        4,
        "copy is a generator",
        "override the caller",
    ),
    (
        "yield_in_an_expression",
        "def copy(st, t, pfn):\n    pfn = 1 + (yield from fault(st, t, 0, pfn))",
        4,
        "a `yield` stands at statement level",
        "x = yield from path",
    ),
    (
        "yield_in_a_property",
        '@always\ndef p(st):\n    yield "x"\n\n\ndef may_reuse(st, mm, pfn):\n    return 1',
        4,
        "property p is not a plain function of the state",
        "def p(st)",
    ),
    (
        "other_decorator",
        "@cache\ndef may_reuse(st, mm, pfn):\n    return 1",
        3,
        "may_reuse has a decorator",
        None,
    ),
    (
        "defined_twice",
        "def copy(st, t, pfn):\n    yield 'a'\ndef copy(st, t, pfn):\n    yield 'b'",
        5,
        "copy is defined twice, first in line 3",
        None,
    ),
    (
        "outside_the_language",
        "def may_reuse(st, mm, pfn):\n    return [pfn]",
        4,
        "a list is not part of the language of paths",
        None,
    ),
]


@pytest.mark.parametrize(
    ("name", "text", "line", "message", "hint"), MALFORMED, ids=[m[0] for m in MALFORMED]
)
def test_a_malformed_design_is_told_where_and_how(kernel_model, name, text, line, message, hint):
    error = kernel_model.refuses(f'"""Idea."""\n\n{text}\n', name)
    assert Path(error.path or "") == kernel_model.root / "designs" / f"{name}.py"
    assert message in error.message
    # The decorator's line is the function's on some Pythons.
    assert error.line == line
    if hint is not None:
        assert hint in (error.hint or "")
    assert f"{name}.py:{line}:" in str(error)


def test_a_design_needs_a_docstring(kernel_model):
    error = kernel_model.refuses("def may_reuse(st, mm, pfn):\n    return 1\n")
    assert "begins with a docstring" in error.message
    assert error.line == 1


def test_two_parts_may_not_replace_one_function(kernel_model):
    text = '"""P."""\n\n\ndef may_reuse(st, mm, pfn):\n    return 1\n'
    kernel_model.write("designs/parts/one.py", text)
    two = kernel_model.write("designs/parts/two.py", text)
    error = kernel_model.refuses('"""Both."""\n\nPARTS = ["one", "two"]\n')
    assert error.message == ("may_reuse is replaced twice: here and in designs/parts/one.py:4")
    assert (error.path, error.line) == (two, 4)


def test_a_part_has_no_parts(kernel_model):
    text = '"""P."""\n\nPARTS = ["one"]\n'
    nested = kernel_model.write("designs/parts/two.py", text)
    kernel_model.write("designs/parts/one.py", text)
    error = kernel_model.refuses('"""Whole."""\n\nPARTS = ["two"]\n')
    assert "a part may not have PARTS of its own" in error.message
    assert "designs/mine.py" in error.message
    assert (error.path, error.line) == (nested, 3)


@pytest.mark.parametrize(
    ("design", "message", "hint"),
    [
        ("mainlin", "there is no design 'mainlin'", "did you mean mainline?"),
        ("./nowhere.py", "there is no such file", None),
        ("./design.txt", "a design is a .py file", None),
    ],
)
def test_a_design_that_is_not_there(kernel_model, design, message, hint):
    with pytest.raises(DesignError) as caught:
        kernel_model.link(design)
    assert caught.value.message == message
    assert caught.value.hint == hint


@pytest.mark.parametrize("value", ["1 // 0", "1 << -1", "2 ** -1", "1 << 10**9", "9 ** 9 ** 9"])
def test_a_constant_without_a_value(tmp_path, value):
    file = tmp_path / "mine.py"
    file.write_text(f'"""An idea."""\n\nX = {value}\n')
    with pytest.raises(DesignError, match="X is not an integer over known constants"):
        link(file)


def test_an_expression_that_nests_too_deep(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        f'"""An idea."""\n\n\ndef wp_can_reuse_anon_folio(st, mm, pfn):\n    return {"-" * 3000}1\n'
    )
    with pytest.raises(DesignError, match="nests too deep"):
        link(file)


@pytest.mark.parametrize("name", ["my design.py", "a-b.py", "x.y.py"])
def test_a_file_name_that_is_no_identifier(tmp_path, name):
    file = tmp_path / name
    file.write_text(
        '"""An idea."""\n\n\ndef wp_can_reuse_anon_folio(st, mm, pfn):\n'
        "    return _zero(st)\n\n\ndef _zero(st):\n    return 0\n"
    )
    assert link(file).overrides.keys() == {"wp_can_reuse_anon_folio"}


def test_a_design_that_begins_with_a_byte_order_mark(tmp_path):
    file = tmp_path / "marked.py"
    file.write_text(
        '"""An idea."""\n\n\ndef wp_can_reuse_anon_folio(st, mm, pfn):\n    return 1\n',
        encoding="utf-8-sig",
    )
    assert link(file).idea == "An idea."


def test_a_name_that_is_too_long(kernel_model):
    long = f"_{'x' * 300}"
    error = kernel_model.refuses(
        f'"""An idea."""\n\n\ndef may_reuse(st, mm, pfn):\n    return {long}(st)\n\n\n'
        f"def {long}(st):\n    return 1\n"
    )
    assert "is a name of 301 characters" in error.message
    assert error.line == 8


PROPERTIES = """
    def note(st):
        st.private[0] = 1
        return 1


    def may_reuse(st, mm, pfn):
        return 1
"""


@pytest.mark.parametrize(
    ("name", "body", "line", "message"),
    [
        ("no_deadlock", "return 1", 5, "would be called no-deadlock, and that name is taken"),
        ("progress", "return 1", 5, "would be called progress"),
        ("model_bug", "return 1", 5, "would be called model-bug"),
        ("private", "return 1", 5, "would be called private"),
        ("no_stale_tlb_at_end", "return 1", 5, "would be called no-stale-tlb"),
        ("_mine", "return 1", 5, "property _mine is private"),
        ("mine", "pass", 5, "does not say on every way whether it holds"),
        ("mine", "if st.bug: return 1", 5, "does not say on every way whether it holds"),
        ("mine", "st.bug = 1; return 1", 6, "only looks at the state, but it writes st.bug"),
        ("mine", "return choose(st, 2)", 6, "but it calls choose()"),
        ("mine", "return note(st)", 5, "note(), which it calls, writes st.private[0]"),
    ],
)
def test_a_property_that_is_none(model, name, body, line, message):
    error = model(PROPERTIES).refuses(
        '"""An idea."""\n\n\n@always\n'
        f"def {name}(st):\n    {body}\n\n\ndef may_reuse(st, mm, pfn):\n    return 0\n"
    )
    assert message in error.message
    assert error.line == line


def test_no_property_of_a_design_has_the_name_of_a_shipped_one(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text('"""An idea."""\n\n\n@always\ndef coherent_at_end(st):\n    return 1\n')
    with pytest.raises(DesignError, match="would be called coherent, and that name is taken"):
        link(file)


def test_a_name_may_add_parts():
    kernel = link("linux-6.18+classic-lru")
    assert kernel.name == "linux-6.18+classic-lru"
    assert kernel.parts == (*link("linux-6.18").parts, "classic-lru")
    assert "age_lazyfree" in kernel.overrides
    with pytest.raises(DesignError, match="named twice"):
        link("mainline+classic-lru+classic-lru")
    with pytest.raises(DesignError, match="no design 'classic-lists'"):
        link("mainline+classic-lists")
