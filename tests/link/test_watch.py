"""What a compiled function looks at leaves a mark, and its value stays what it was."""

from __future__ import annotations

import ast

import pytest

from pagefault.layout import LEAVES
from pagefault.link import link
from pagefault.link.watch import LOCAL, watched


def body(text, *, is_path=False):
    return watched(text, is_path=is_path).split("\n", 1)[1].strip()


def test_a_read_is_marked():
    text = "def f(st, pfn):\n    return st.folio[pfn].refcount + 1\n"
    assert body(text) == "return seen(st.folio[pfn], 'refcount') + 1"


def test_a_part_with_a_name_of_its_own_is_followed():
    text = "def f(st, t):\n    task = st.task[t]\n    pin = task.pin\n    return pin.pfn\n"
    assert body(text).endswith("return seen(pin, 'pfn')")


def test_an_index_that_is_read_is_marked_too():
    text = "def f(st, t):\n    return st.page[st.task[t].pin.pfn].cell[0]\n"
    assert body(text) == "return seen_item(st.page[seen(st.task[t].pin, 'pfn')].cell, 0)"


@pytest.mark.parametrize("store", ["st.mm[0].mm_users = 1", "st.mm[0].mm_users += 1"])
def test_a_store_is_marked_before_it(store):
    lines = body(f"def f(st, t):\n    {store}\n").split("\n")
    assert [line.strip() for line in lines] == ["seen(st.mm[0], 'mm_users')", store]


def test_the_control_state_of_the_own_task_is_not_marked():
    text = (
        "def f(st, t):\n    task = st.task[t]\n    frame = task.frame[0]\n    return frame.reg[1]\n"
    )
    assert "seen" not in body(text, is_path=True)
    assert "seen" in body(text)  # a helper may be called for another task


def test_no_access_of_the_kernel_is_left_unmarked():
    """A leaf that is read in a plain way is control state, or an integer of the state itself."""
    fields = {leaf.path.split(".")[-1].split("[")[0] for leaf in LEAVES if "." in leaf.path}
    kernel = link("mainline")
    paths = {p.name for p in kernel.paths if p is not None}
    for name, text in kernel.texts.items():
        tree = ast.parse(watched(text, is_path=name in paths))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                plain = node.attr in fields - LOCAL - {"path", "pc", "cell", "pte", "tlb"}
                is_array = any(f"{node.attr}[0]" in leaf.path for leaf in LEAVES)
                assert not plain or is_array, f"{name}: {ast.unparse(node)}"
