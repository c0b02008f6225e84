"""The linker: baseline + one design -> ordinary Python functions that step through kernel paths.

    kernel = link("linux-5.10")
    kernel.path("do_wp_page").step(st, t)
    kernel.function("boot_kernel")(st)

Source is read (source.py), the design laid over the baseline (overlay.py), each function checked
against the language of paths (check.py); generators are taken apart into blocks (flatten.py), their
locals given registers (live.py), and everything is written out as text (emit.py), kept in
hash-named files (files.py) and loaded (kernel.py).
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from pagefault.errors import DesignError, ModelError
from pagefault.link.kernel import Kernel, Path, SourceDiff, build, link_source_diff
from pagefault.link.overlay import (
    DesignInfo,
    design_closure,
    find_designs,
    lay_over,
    list_designs,
)
from pagefault.link.source import PACKAGE, Baseline, Function, Sources, Stamp, load, stamp

__all__ = [
    "BASELINE",
    "Baseline",
    "DesignInfo",
    "Function",
    "Kernel",
    "Path",
    "SourceDiff",
    "designs",
    "identity",
    "link",
    "link_source_diff",
]

BASELINE = Baseline(
    folders=(PACKAGE / "mm", PACKAGE / "hw"),
    consts=(PACKAGE / "consts.py", PACKAGE / "layout.py"),
    designs=PACKAGE / "designs",
    properties=PACKAGE / "explore" / "properties.py",
)
"""The model that comes with this package."""

NEEDED = (
    "YIELDED",
    "BLOCKED",
    "WAITING",
    "CALLED",
    "RETURNED",
    "NR_REGS",
    "NR_FRAMES",
    "BUG_FRAME_OVERFLOW",
)
"""Constants that emitted functions use."""

_kernels: dict[tuple[Sources, tuple[Stamp, ...]], Kernel] = {}


def link(design: str | pathlib.Path = "mainline", baseline: Baseline = BASELINE) -> Kernel:
    """Link a design, given by name or by the path of its file, with the baseline.

    A name may add parts: "mainline+classic-lru".
    Cached as long as no file changes. DesignError if the design does not fit, ModelError if the
    baseline itself is at fault.
    """
    sources = load(baseline)
    missing = [name for name in NEEDED if name not in sources.constants]
    if missing:
        raise ModelError(f"constants are missing: {', '.join(missing)}", baseline.consts[0])
    file, *more = find_designs(design, baseline)
    try:
        key = sources, _stamps(file, baseline, sources, more)
        if key not in _kernels:
            _kernels[key] = build(lay_over(file, baseline, sources, more))
    except RecursionError:
        raise DesignError(
            "an expression nests too deep", file, hint="split it: give parts of it names"
        ) from None
    return _kernels[key]


def identity(design: str | pathlib.Path, baseline: Baseline = BASELINE) -> str:
    """A text that changes whenever a file changes that the kernel is linked from."""
    sources = load(baseline)
    file, *more = find_designs(design, baseline)
    return repr((sources.stamps, *_stamps(file, baseline, sources, more)))


def _stamps(
    file: pathlib.Path, baseline: Baseline, sources: Sources, more: Sequence[pathlib.Path]
) -> tuple[Stamp, ...]:
    """One for each file that the design consists of beside the baseline."""
    return tuple(stamp(f) for f in design_closure(file, baseline, sources, more))


def designs(baseline: Baseline = BASELINE) -> list[DesignInfo]:
    """All designs of the package: mainline, then the others by name, then the parts."""
    return list_designs(baseline)
