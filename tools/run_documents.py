"""Run the examples of Markdown files, and compare what they print with what is shown.

    python tools/run_documents.py [--write] FILE.md...

In a fenced block whose first line is

- "```console", lines that begin with "$ pagefault" are run, and the lines that follow are what is
  printed; a line "..." stands for any number of lines, and a time such as "0.3 s" for any time;
  other commands are not run;
- "```python FILE" (or any other language), the block is the content of FILE;
- "```diff", the block is a patch of the sources.

Each document runs in a folder of its own with a copy of src/ and litmus/, so an example may add to
the model. --write puts the real output into the document. Exit status: 1 if anything differs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGEFAULT = "import sys; sys.argv[0] = 'pagefault'; from pagefault.cli import main; main()"
FENCE = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 120


@dataclass(frozen=True)
class Command:
    """A command that a document shows with its output, at a line of the document (from 1)."""

    line: int
    command: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A command that printed something else than the document shows."""

    command: Command
    printed: tuple[str, ...]

    def __str__(self) -> str:
        head = f"line {self.command.line}: $ {self.command.command}"
        return "\n".join([head, *self.printed, "-- shown --", *self.command.shown])


def run(document: Path, folder: Path) -> list[Difference]:
    """Do what a document says, in an empty folder. CalledProcessError if a patch does not apply."""
    for part in ("src", "litmus"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    text = document.read_text()
    differences = []
    for fence in FENCE.finditer(text):
        language, name, body = fence.groups()
        if language == "console":
            for command in commands(body, text.count("\n", 0, fence.start(3)) + 1):
                printed = execute(command.command, folder)
                if not matches(command.shown, printed):
                    differences.append(Difference(command, printed))
        elif language == "diff":
            patch = ["git", "apply", "--unsafe-paths", "-p1", "-"]
            subprocess.run(patch, cwd=folder, input=body, text=True, check=True)
        elif name:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body)
    return differences


def commands(block: str, line: int) -> list[Command]:
    """The pagefault commands of a console block that begins at `line`, each with its output."""
    found: list[Command] = []
    for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE):
        first, *shown = part.rstrip("\n").split("\n")
        if first.startswith("$ pagefault"):
            found.append(Command(line, first.removeprefix("$ "), tuple(shown)))
        line += part.count("\n")
    return found


def execute(command: str, folder: Path) -> tuple[str, ...]:
    """The lines that a pagefault command prints, errors included."""
    arguments = command.replace("pagefault", '"$PYTHON" -c "$PAGEFAULT"', 1)
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "PAGEFAULT": PAGEFAULT,
        "PYTHONPATH": str(folder / "src"),
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }
    environment.pop("FORCE_COLOR", None)
    done = subprocess.run(
        ["sh", "-c", arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return tuple(line.rstrip() for line in done.stdout.rstrip("\n").split("\n"))


def matches(shown: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Whether the shown lines are the printed ones, but for lines "..." and times."""
    pattern = "".join(r"(?:.*\n)*?" if x == "..." else _line_pattern(x) for x in shown)
    return re.fullmatch(pattern, "".join(f"{x}\n" for x in printed)) is not None


def _line_pattern(shown: str) -> str:
    # A longer time leaves fewer blanks before it.
    parts = re.split(r" +\d+\.\d s\b", shown.rstrip())
    return r" +\d+\.\d s\b".join(map(re.escape, parts)) + "\n"


def rewrite(document: Path, differences: list[Difference]) -> None:
    """Put what was printed into the document."""
    lines = document.read_text().split("\n")
    for difference in reversed(differences):
        at, shown = difference.command.line, difference.command.shown
        lines[at : at + len(shown)] = difference.printed
    document.write_text("\n".join(lines))


def main(arguments: list[str]) -> int:
    """Run the documents that are named. Returns the exit status."""
    write = "--write" in arguments
    documents = [Path(x) for x in arguments if x != "--write"]
    if not documents:
        print(__doc__, file=sys.stderr)
        return 2
    differ = 0
    for document in documents:
        with tempfile.TemporaryDirectory() as folder:
            differences = run(document, Path(folder))
        if write:
            rewrite(document, differences)
        for difference in differences:
            print(f"{document}:{difference}")
        differ += len(differences)
    return 1 if differ and not write else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
