"""The functions of the baseline, checked and emitted: once for all designs, and kept for the next
process.

That takes most of a second, and the text of the baseline rarely changes. The file's name holds a
digest of every source that it was made from, the linker's own among them: it never goes stale.
"""

from __future__ import annotations

import hashlib
import pickle
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from pagefault.link.check import check
from pagefault.link.emit import Emitted, emit
from pagefault.link.files import folder
from pagefault.link.source import Function, Sources, Symbols

LINKER = Path(__file__).parent
KEY = "emitted"


def emitted(sources: Sources) -> Mapping[str, Emitted]:
    """By name: what is emitted for each function. ModelError if one does not speak the language."""
    if KEY not in sources.cache:
        file = _file(sources)
        found = _read(file, sources)
        if found is None:
            found = _emitted_anew(sources)
            _write(file, found)
        sources.cache[KEY] = found
    return cast("Mapping[str, Emitted]", sources.cache[KEY])


def _emitted_anew(sources: Sources) -> dict[str, Emitted]:
    symbols = Symbols(sources, sources.functions)
    for function in sources.functions.values():
        if function.node.decorator_list:
            raise function.module.error(
                f"{function.name} has a decorator", function.node.decorator_list[0]
            )
        check(function, symbols)
    return {name: emit(f, symbols) for name, f in sources.functions.items()}


def _file(sources: Sources) -> Path:
    linker = [file.read_bytes() for file in sorted(LINKER.glob("*.py"))]
    digest = hashlib.sha256(repr(sources.stamps).encode() + b"".join(linker)).hexdigest()
    return folder("baseline") / f"{digest[:16]}.pickle"


def _read(file: Path, sources: Sources) -> dict[str, Emitted] | None:
    """What was kept; None if nothing was, or the file is damaged."""
    try:
        with file.open("rb") as f:
            return cast("dict[str, Emitted]", _Reader(f, sources.functions).load())
    except (OSError, EOFError, ValueError, LookupError, AttributeError, pickle.UnpicklingError):
        return None


def _write(file: Path, found: Mapping[str, Emitted]) -> None:
    """Keep it. Who can't write is told where the functions themselves are written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".new-", delete=False) as f:
            _Writer(f, pickle.HIGHEST_PROTOCOL).dump(found)
        Path(f.name).replace(file)
    except OSError:
        return


class _Writer(pickle.Pickler):
    """Writes a function of the model as its name."""

    def persistent_id(self, obj: Any) -> str | None:
        return obj.name if isinstance(obj, Function) else None


class _Reader(pickle.Unpickler):
    def __init__(self, file: IO[bytes], functions: Mapping[str, Function]) -> None:
        super().__init__(file)
        self.functions = functions

    def persistent_load(self, pid: str) -> Function:
        return self.functions[pid]
