"""A trace as text: what it says, and that it fits a mail."""

from __future__ import annotations

import os

import pytest

from pagefault.explore.search import explore
from pagefault.lang import catalogue, parse
from pagefault.link import link
from pagefault.report.story import result_document, trace_document
from pagefault.report.text import WIDTH, observation, result_text, trace_text

LEAK = """+++
title = "A child vmsplices a page and unmaps it; then the parent writes"
source = "CVE-2020-29374"
+++
process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    fork(C)
    A[0] = 2
}
process C {
    vmsplice(A, p)
    munmap(A)
    r0 = read(p)
}
exists (C:r0 = 2)
"""

CROWD = """+++
title = "Six tasks"
source = "none"
+++
process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    h = pin(A, write, longterm)
    fork(C)
    clone(T)
    clone(U)
    A[1] = 2
}
process C on cpu 0 { r0 = A[0] }
thread T on cpu 1 { A[2] = 3 }
thread U on cpu 1 { r0 = A[2] }
device D { r0 = dma_read(h[2]) }
device ADeviceWithAVeryLongName { dma_write(h[3], 77) }
exists (D:r0 = 3)
"""


def story(text, design, shows=None, grain="op"):
    result = explore(link(design), parse(text), grain)
    trace = result.breaches[shows] if shows else result.witness
    return trace_document(result, trace)


def test_a_leak_is_told():
    text = trace_text(story(LEAK, "linux-5.7", "private"))
    for words in (
        "Sometimes 1 1",
        "design linux-5.7",
        "breaks private: No task observes",
        "munmap(A)",
        "wp_can_reuse_anon_folio = 1",
        "P:A: folio 1 rw",
        "r0 = read(p) -> 2",
        "In the end (private is broken):",
        "C:r0          2",
    ):
        assert words in text
    assert text.isascii()


def test_the_document_has_every_step():
    document = story(LEAK, "linux-5.7", "private", "step")
    assert [step["number"] for step in document["steps"]] == list(
        range(1, len(document["steps"]) + 1)
    )
    assert document["breaks"] == ["private"]
    first = document["steps"][0]
    assert first["statement"] == "A = mmap(anon, private, rw)"
    assert (first["begins"], first["ends"]) == (True, False)
    assert first["at"]["label"]
    assert document["steps"][1]["from"] == first["at"]["label"]
    last = document["steps"][-1]
    assert (last["task"], last["value"]) == ("C", "2")
    assert {row["subject"] for row in document["end"]} >= {"P:A", "folio 1", "folio 1 data"}
    assert document["registers"] == {"C:r0": "2"}


def test_a_row_is_what_nobody_interrupted():
    document = story(LEAK, "linux-5.7", "private", "step")
    rows = [line for line in trace_text(document).splitlines() if line[:3].strip().isdigit()]
    assert len(rows) < len(document["steps"])
    assert int(rows[-1].split()[0]) == len(document["steps"])


def test_changes_that_cancel_are_not_told():
    document = story(LEAK, "linux-5.7", "private", "step")
    stale = [c for step in document["steps"] for c in step["changes"] if " TLB " in c["subject"]]
    assert stale, "fork leaves a writable entry in the TLB for a moment"
    assert " TLB " not in trace_text(document)


def test_six_tasks_fit():
    text = trace_text(story(CROWD, "mainline"))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "h = pin(A, write, longterm)" in text


FOUR = """+++
title = "Four tasks"
source = "none"
+++
process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    h = pin(A, write, longterm)
    fork(C)
    clone(T)
}
process C { r0 = A[0] }
thread T { A[2] = 3 }
device D { r0 = dma_read(h[2]) }
exists (D:r0 = 3)
"""


def test_four_tasks_leave_the_kernel_its_column():
    lines = trace_text(story(FOUR, "mainline")).splitlines()
    assert "    P       C       T       D          kernel" in lines
    kernel = next(line for line in lines if line.endswith("holds folio 1"))
    assert kernel.index("h: holds") == 39
    assert max(map(len, lines)) <= WIDTH


def test_a_long_statement_is_broken_behind_a_comma():
    document = story(LEAK, "linux-5.7", "private")
    names = ", ".join(f"Page{i}" for i in range(9))
    document["steps"][0]["statement"] = f"{names} = mmap(anon, private, rw)"
    lines = trace_text(document).splitlines()
    first = next(i for i, line in enumerate(lines) if "Page0" in line)
    assert lines[first].endswith(",")
    assert lines[first + 1].startswith("      Page8 = mmap(anon, private, rw)")


def test_a_condition_that_no_schedule_satisfies():
    result = explore(link("mainline"), parse(LEAK))
    assert result.counterexample is not None
    text = trace_text(trace_document(result, result.counterexample))
    assert "does not satisfy the condition\n  (no schedule ends in one that does)\n" in text


def test_a_text_without_a_trace():
    result = explore(link("mainline"), parse(LEAK), properties=["private"])
    assert result.witness is None
    text = result_text(result_document(result), "private")
    assert text.endswith("private holds in every state\n")
    assert observation(result_document(result)).endswith("Never 0 1")


def test_a_crash_of_the_model_is_told(tmp_path):
    design = tmp_path / "broken.py"
    design.write_text(
        '"""Reads a page that is not there."""\n\n\n'
        "def wp_can_reuse_anon_folio(st, mm, pfn):\n    return st.page[99].mapcount\n"
    )
    kernel = link(design)
    result = explore(kernel, parse(LEAK))
    (bug,) = result.bugs
    text = trace_text(trace_document(result, result.breaches[bug]))
    assert "the model met an impossible situation" in text
    assert "IndexError" in text
    assert max(map(len, text.splitlines())) <= WIDTH


EVERY = 1 if "PAGEFAULT_EVERY_DESIGN" in os.environ else 10
CLAIMS = [(entry, claim) for entry in catalogue() for claim in entry.program.header.expect]


@pytest.mark.parametrize(
    ("entry", "claim"), [pytest.param(e, c, id=f"{e.name}@{c.design}") for e, c in CLAIMS[::EVERY]]
)
def test_a_trace_of_the_catalogue_fits_a_mail(entry, claim):
    """Of one claim in ten; PAGEFAULT_EVERY_DESIGN asks for all."""
    for grain in claim.grains:
        result = explore(link(claim.design), entry.program, grain)
        for trace in [*result.breaches.values(), *result.finals.values()]:
            text = trace_text(trace_document(result, trace))
            assert text.isascii()
            for line in text.splitlines():
                assert len(line) <= WIDTH, line
