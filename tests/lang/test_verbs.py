"""The table of verbs, and the page that shows it."""

import re
from pathlib import Path

import pytest

from pagefault.errors import LitmusError
from pagefault.lang import parse
from pagefault.lang.table import markdown_table
from pagefault.lang.verbs import RESERVED, VERBS, WORDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "grammar.md"

# What an example needs before it: what another verb gives.
FILE = "F = mmap_file(f, regular, shared, rw)"
BEFORE = {
    "unpin": "h = pin({page}, read)",
    "dma_read": "h = pin({page}, read)",
    "dma_write": "h = pin({page}, write)",
    "read": "vmsplice({page}, p)",
    "enter": "m = mirror(user_map)",
    "leave": "m = mirror(user_map)",
    "mirror_read": "m = mirror(kvm)",
    "mirror_write": "m = mirror(kvm)",
    "mirror_has": "m = mirror(kvm)",
    "mirror_drop": "m = mirror(kvm)",
    "wait": "fork(C)",
    **dict.fromkeys(("pread", "pwrite", "fsync", "truncate", "drop_cache", "close"), FILE),
    **dict.fromkeys(("uprobe_register", "uprobe_unregister"), FILE),
    **dict.fromkeys(("receive", "splice", "guest_read", "guest_write"), FILE),
    **dict.fromkeys(("ioctl", "kread", "kwrite"), FILE.replace("regular", "bpf")),
}


def program_with(verb, example):
    """A text whose process P ends with the example; A and B are mapped if it does not map them."""
    maps_itself = example.startswith("A") and verb.named is not None
    mapped, page = ("Z", "Z") if maps_itself else ("A, B", "A")
    tasks = ["process C { exit() }"]
    if verb.name == "clone":
        tasks.append("thread T { }")
    return f"""+++
title = "t"
source = "s"
+++
process P {{
    {mapped} = mmap(anon, private, rw)
    r0 = {page}[0]
    {BEFORE.get(verb.name, "").format(page=page)}
    {example}
}}
{" ".join(tasks)}
exists (P:r0 = 0)
"""


@pytest.mark.parametrize(
    ("name", "example"),
    [(verb.name, example) for verb in VERBS.values() for example in verb.examples],
)
def test_example(name, example):
    program = parse(program_with(VERBS[name], example))
    statement = program.tasks[0].statements[-1]
    assert statement.verb == name
    assert statement.text == example


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_entry(verb):
    assert len(set(verb.slots)) == len(verb.slots), "slots are told apart by their value"
    assert verb.help
    assert verb.call
    assert verb.examples
    for slot in verb.word_slots:
        assert slot.group in WORDS
        assert {*slot.one_of, *slot.required, *slot.optional} <= set(WORDS[slot.group])


def test_no_word_is_in_two_groups():
    words = [word for group in WORDS.values() for word in group]
    assert len(words) == len(set(words))
    assert not {"A", "P", "h", "p", "m"} & RESERVED


def test_the_page_shows_this_table():
    """Run `python -c "from pagefault.lang.table import markdown_table as t; print(t())"` for it."""
    assert markdown_table() in PAGE.read_text(encoding="utf-8")


def test_the_examples_of_the_page_parse():
    blocks = re.findall(r"```litmus\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        parse(block, PAGE)


def test_the_snippets_of_the_page_parse():
    """A ```task block is a task or more; the rest of the file is put around it."""
    blocks = re.findall(r"```task\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        parse(f'+++\ntitle = "t"\nsource = "s"\n+++\n{block}\nexists (P:signal = 0)\n', PAGE)


def test_the_conditions_of_the_page_parse():
    blocks = re.findall(r"```condition\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    head = '+++\ntitle = "t"\nsource = "s"\n+++\n'
    task = "process P { A = mmap(anon, private, rw); r0 = A[0]; r1 = munmap(A); fork(C) }\n"
    child = "process C { r0 = A[0] }\n"
    for block in blocks:
        for condition in block.strip().split("\n"):
            parse(f"{head}{task}{child}{condition}\n", PAGE)


def test_the_errors_of_the_page_are_shown_as_they_are(around):
    """A ```error block has the statement in its second line."""
    blocks = re.findall(r"```error\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        statement = block.split("\n")[1].strip()
        text = around(statement)
        with pytest.raises(LitmusError) as caught:
            parse(text, "cow.litmus")
        assert str(caught.value) == block.rstrip("\n")
