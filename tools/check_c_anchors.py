"""Check that the C functions which the model names exist in a kernel tree.

    python tools/check_c_anchors.py LINUX_SRC

A function of hw/ or mm/ names what it models in its docstring, as in "mm/memory.c do_wp_page(),
v6.12: a write fault on a present, read-only PTE." An anchor is checked when LINUX_SRC is of the
release that it names. Exit status: 0 all there, 1 some missing, 2 no tree.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MODEL = Path(__file__).resolve().parent.parent / "src" / "pagefault"

C_FILE = r"(?P<file>[a-z][\w/-]*/[\w-]+\.[chS])"
C_FUNCTIONS = r"(?P<functions>\w+\(\)(?:(?:, | and |, and )\w+\(\))*)"
ANCHOR = re.compile(rf"{C_FILE} {C_FUNCTIONS}, v(?P<release>\d+\.\d+)")


@dataclass(frozen=True, order=True)
class Anchor:
    """One C function that a model function says it models."""

    path: Path
    line: int
    function: str  # of the model
    c_file: str
    c_function: str
    release: str  # "6.12"


def anchors(root: Path = MODEL) -> list[Anchor]:
    """All anchors in hw/ and mm/ under `root`, in the order of files and lines."""
    found: list[Anchor] = []
    for path in sorted([*root.glob("hw/*.py"), *root.glob("mm/*.py")]):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            docstring = " ".join((ast.get_docstring(node) or "").split())
            for match in ANCHOR.finditer(docstring):
                found += [
                    Anchor(path, node.lineno, node.name, match["file"], name, match["release"])
                    for name in re.findall(r"(\w+)\(\)", match["functions"])
                ]
    return found


def tree_release(tree: Path) -> str:
    """The release of a kernel tree, "6.12", from its Makefile. ValueError where there is none."""
    makefile = tree / "Makefile"
    text = makefile.read_text() if makefile.is_file() else ""
    version = re.search(r"^VERSION = (\d+)$", text, re.MULTILINE)
    level = re.search(r"^PATCHLEVEL = (\d+)$", text, re.MULTILINE)
    if not (version and level):
        raise ValueError(f"{tree} is not a kernel tree: no VERSION and PATCHLEVEL in its Makefile")
    return f"{version[1]}.{level[1]}"


def missing(found: list[Anchor], tree: Path) -> list[Anchor]:
    """The anchors whose file does not define the function that they name."""
    return [a for a in found if not defines(tree / a.c_file, a.c_function)]


def defines(c_file: Path, function: str) -> bool:
    """Whether a C file defines a function, a macro with arguments, or a system call."""
    if not c_file.is_file():
        return False
    text = _without_comments(c_file)
    # Memory allocation profiling wraps allocators: __folio_alloc() is __folio_alloc_noprof().
    name = rf"{re.escape(function)}(?:_noprof)?"
    if re.search(rf"^#\s*define\s+{name}\(", text, re.MULTILINE):
        return True
    call = re.escape(function.removeprefix("sys_"))
    if re.search(rf"^SYSCALL_DEFINE\d\({call}\b", text, re.MULTILINE):
        return True
    # The kernel's style: a definition starts in the first column, a call never does.
    starts = re.finditer(rf"^(?![\s#]).*?\b{name}\(", text, re.MULTILINE)
    return any(_has_body(text, match.end()) for match in starts)


@cache
def _without_comments(c_file: Path) -> str:
    text = c_file.read_text(errors="replace")
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)


def _has_body(text: str, start: int) -> bool:
    """Whether the parameter list that opened just before `start` is followed by a body."""
    after = _skip_parentheses(text, start)
    # Annotations like __must_hold(x) may stand between.
    while match := re.compile(r"\s*__\w+(\()?").match(text, after):
        after = _skip_parentheses(text, match.end()) if match[1] else match.end()
    return text[after:].lstrip().startswith("{")


def _skip_parentheses(text: str, start: int) -> int:
    depth = 1
    for end in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return end + 1
    return len(text)


def _report(tree: Path) -> Iterator[str]:
    release = tree_release(tree)
    found = anchors()
    checked = [a for a in found if a.release == release]
    gone = missing(checked, tree)
    for a in gone:
        where = a.path.relative_to(MODEL)
        yield f"{where}:{a.line}: {a.function}: {a.c_file} does not define {a.c_function}()"
    other = len(found) - len(checked)
    tail = f", {other} of other releases not checked" if other else ""
    yield f"{len(checked)} anchors checked against v{release}, {len(gone)} missing{tail}"


def main(arguments: list[str]) -> int:
    """Print the anchors that are missing. Returns the exit status."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        lines = list(_report(Path(arguments[0])))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 1 if len(lines) > 1 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
