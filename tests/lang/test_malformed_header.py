"""Wrong headers and files: the message, the place (an @ in the text) and the hint, all three."""

import pytest

from pagefault.errors import LitmusError
from pagefault.lang import parse

HEADER = '+++\ntitle = "t"\nsource = "s"\n+++\n'
REST = "process P {\n    A = mmap(anon, private, rw)\n    r0 = A[0]\n}\nexists (P:r0 = 1)\n"
TOML = 'a header line is key = "text"; strings stand in double quotes'


def head(*lines):
    return "\n".join(["+++", *lines, "+++", REST])


def claim(text):
    return head('title = "t"', 'source = "s"', "[expect]", text)


HEADERS = {
    "never closed": (
        '@+++\ntitle = "t"\n',
        "the header is never closed by a second +++ line",
        "put +++ on a line of its own between the header and the first task",
    ),
    "unquoted": (head("title = @x"), "the header is not TOML: invalid value", TOML),
    "unterminated": (
        head('@title = "x'),
        "the header is not TOML: unterminated string",
        TOML,
    ),
    "twice": (
        head('title = "x"', '@title = "y"'),
        "the header is not TOML: cannot overwrite a value",
        TOML,
    ),
    "nests too deep": (
        head("x = [", *["[" * 400] * 20, "1", *["]" * 400] * 20, "]"),
        "the header has a huge number or nests too deep",
        None,
    ),
    "no title": (
        '+++\nsource = "s"\n@+++\n',
        "the header has no title",
        'add title = "..." (one sentence that says what happens)',
    ),
    "no source": (
        '+++\ntitle = "t"\n@+++\n',
        "the header has no source",
        'add source = "..." (a URL, a mail, a commit, a CVE or a selftest)',
    ),
    "title of two lines": (
        head('title = @"a\\nb"', 'source = "s"'),
        "title is not one line of text",
        'title = "..."',
    ),
    "title that is no text": (
        head("title = @3", 'source = "s"'),
        "title is not one line of text",
        'title = "..."',
    ),
    "unknown key": (
        head('@titel = "t"'),
        "unknown key 'titel' in the header",
        "did you mean title?",
    ),
    "requires": (
        head('title = "t"', 'source = "s"', "requires = @[1]"),
        "requires is not a string or a list of strings",
        'requires = "..." or requires = ["...", "..."]',
    ),
    "danger": (
        head('title = "t"', 'source = "s"', "danger = @true"),
        "danger is not one line of text",
        'danger = "..."',
    ),
    "expect is no table": (
        head('title = "t"', 'source = "s"', "@expect = 3"),
        "expect is a table",
        "write [expect] on a line of its own",
    ),
    "claim is no table": (
        claim('@mainline = "Never"'),
        "the claim for mainline is not a table",
        '"mainline" = { verdict = "Never", grain = "op" }',
    ),
    "unknown verdict": (
        claim('"linux-5.10" = { verdict = @"never", grain = "op" }'),
        "unknown verdict 'never'",
        "did you mean Never?",
    ),
    "verdict from elsewhere": (
        claim('mainline = { verdict = @"Maybe", grain = "op" }'),
        "unknown verdict 'Maybe'",
        "a verdict is Never, Sometimes, Always or Unknown",
    ),
    "verdict that is no text": (
        claim('mainline = { verdict = @true, grain = "op" }'),
        "verdict is not a string",
        "a verdict is Never, Sometimes, Always or Unknown",
    ),
    "unknown grain": (
        claim('mainline = { verdict = "Never", grain = @"steps" }'),
        "unknown grain 'steps'",
        "did you mean step?",
    ),
    "no grain": (
        claim('@mainline = { verdict = "Never" }'),
        "the claim for mainline has no grain",
        'add grain = "op" (op, step or both)',
    ),
    "unknown key of a claim": (
        claim('mainline = { verdict = "Never", grain = "op", @break = "x" }'),
        "unknown key 'break' in the claim for mainline",
        "did you mean breaks?",
    ),
    "breaks": (
        claim('mainline = { verdict = "Never", grain = "op", breaks = @3 }'),
        "breaks is not a string or a list of strings",
        'breaks = "..." or breaks = ["...", "..."]',
    ),
    "verdict of a first section": (
        claim('[[expect.mainline]]\nverdict = @"never"\ngrain = "op"'),
        "unknown verdict 'never'",
        "did you mean Never?",
    ),
    "verdict of a second section": (
        claim(
            '[[expect.mainline]]\nverdict = "Never"\ngrain = "op"\n'
            '[[expect.mainline]]\nverdict = @"never"\ngrain = "step"'
        ),
        "unknown verdict 'never'",
        "did you mean Never?",
    ),
    "verdict of a second claim": (
        claim(
            'mainline = [\n  { verdict = "Never", grain = "op", why = "a { b" },\n'
            '  { verdict = @"never", grain = "step" },\n]'
        ),
        "unknown verdict 'never'",
        "did you mean Never?",
    ),
    "two claims": (
        claim('@mainline = [{verdict="Never",grain="op"}, {verdict="Never",grain="both"}]'),
        "two claims for mainline at one grain",
        None,
    ),
    "file too long": (
        HEADER + "#\n" * 40_000,
        "the file has 80033 characters; at most 65536 are allowed",
        "a litmus test is a few lines; is this another file?",
    ),
    "line too long": (
        HEADER + "#" * 501,
        "a line of 501 characters; at most 500 are allowed",
        "break the line",
    ),
}


@pytest.mark.parametrize("case", HEADERS)
def test_header(fails, case):
    fails(*HEADERS[case])


@pytest.mark.parametrize("text", ["", "\n", " \r\n\t\n", "\ufeff"])
def test_empty_file(fails, text):
    error = fails(text, "the file is empty", parse_hint())
    assert error.line is None


def test_no_header(fails):
    fails("@" + REST, "no header: the first line is not +++", parse_hint())


def parse_hint():
    """The hint of an empty file is a whole litmus file, and it parses."""
    with pytest.raises(LitmusError) as caught:
        parse("")
    hint = caught.value.hint
    parse("\n".join(line.removeprefix("    ") for line in hint.split("\n")[1:]))
    return hint
