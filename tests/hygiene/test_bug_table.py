"""The museum of bugs: each has a test and a kernel that has it; docs/bugs.md says what they say."""

from __future__ import annotations

import pytest

from pagefault.lang import listed, lists


@pytest.fixture(scope="module")
def tool(load_tool):
    return load_tool("bug_table")


def test_each_bug_is_named(tool):
    bugs = tool.bugs()
    assert [bug.test for bug in bugs] == listed(lists()["bugs"])
    for bug in bugs:
        assert bug.name
        assert bug.what.endswith(".")
        assert ";" in bug.range, "who has it; what mended it"


def test_the_document_has_the_table_of_the_catalogue(tool):
    text = tool.DOCUMENT.read_text()
    assert tool.without_seconds(tool.renewed(text)) == tool.without_seconds(text)
