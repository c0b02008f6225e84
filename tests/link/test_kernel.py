"""The Kernel object, on the model of this package."""

from __future__ import annotations

import pytest

from pagefault.explore.promises import promises
from pagefault.link import BASELINE, Kernel, designs, link, link_source_diff
from pagefault.link import overlay as overlay_module
from pagefault.link.source import load


def test_paths_are_indexed_by_id():
    kernel = link()
    assert kernel.paths[0] is None
    assert all(p is not None and p.id == i for i, p in enumerate(kernel.paths[1:], start=1))
    assert kernel.path("do_wp_page").name == "do_wp_page"


def test_ids_of_the_baseline_are_the_same_in_every_design():
    names = [p and p.name for p in link().paths]
    for info in designs():
        assert [p and p.name for p in link(info.name).paths][: len(names)] == names


def test_every_design_links():
    assert designs()[0].name == "mainline"
    for info in designs():
        kernel = link(info.name)
        assert kernel.name == info.name
        assert kernel.idea == info.idea != ""
        assert not {p.name for p in promises(kernel)} & kernel.not_promised


def test_the_linker_knows_the_properties_that_the_explorer_judges():
    assert overlay_module.property_names(BASELINE, load(BASELINE)) == {
        p.name for p in promises(link())
    }


def test_repr_says_what_matters():
    assert repr(link()) == f"<Kernel mainline: {len(link().paths) - 1} paths, overrides nothing>"
    assert "gup_must_unshare" in repr(link("linux-6.1"))
    assert repr(link().path("do_wp_page")).startswith("Path(name='do_wp_page', id=")


def test_unknown_names_get_a_hint():
    kernel = link()
    with pytest.raises(KeyError, match="did you mean do_wp_page"):
        kernel.path("do_wp_pages")
    with pytest.raises(KeyError, match="a generator"):
        kernel.function("do_wp_page")


def test_reachable_follows_calls_of_both_colours():
    reached = link().reachable(["do_wp_page"])
    assert {"wp_page_copy", "wp_can_reuse_anon_folio", "pte_pfn"} <= reached
    assert "sys_fork" not in reached


def test_the_original_of_an_override_is_the_design_s():
    code = link("linux-5.10").generators()["wp_can_reuse_anon_folio"].__code__
    assert "designs" in code.co_filename
    assert "memory.py" in link().generators()["wp_can_reuse_anon_folio"].__code__.co_filename


def test_a_diff_lists_the_functions_that_differ():
    kernel: Kernel = link("linux-6.1")
    diffs = link_source_diff(link(), kernel)
    assert [d.name for d in diffs] == sorted(kernel.overrides)
    diff = next(d for d in diffs if d.name == "gup_must_unshare")
    assert diff.a is not None
    assert diff.b is not None
    assert diff.b.source.startswith("def gup_must_unshare(")
    assert link_source_diff(kernel, kernel) == []


def test_a_design_is_linked_once():
    for info in designs():
        assert link(info.name) is link(info.name)
