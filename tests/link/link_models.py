"""Tiny models to link: a folder of functions, the package's constants and state, some designs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from pagefault.errors import DesignError, ModelError
from pagefault.link import Baseline, Kernel, link
from pagefault.link.source import PACKAGE

CPU = '''
def switch_to(st, t):
    """Every task has a CPU of its own."""
    return 1
'''


@dataclass(frozen=True)
class Model:
    """A baseline in a folder of the test."""

    root: Path
    baseline: Baseline

    def link(self, design: str | Path = "mainline") -> Kernel:
        return link(design, self.baseline)

    def write(self, name: str, text: str) -> Path:
        """Write a model file or a design, e.g. "mm/memory.py"; its stamp changes for sure."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"))
        return file

    def design(self, text: str, name: str = "mine") -> Kernel:
        """Write a design and link it."""
        return self.link(self.write(f"designs/{name}.py", text))

    def refuses(self, text: str, name: str = "mine") -> DesignError:
        """The error that a design gets."""
        with pytest.raises(DesignError) as caught:
            self.design(text, name)
        return caught.value

    def fails(self) -> ModelError:
        """The error that the baseline itself gets."""
        with pytest.raises(ModelError) as caught:
            self.link()
        return caught.value


def make_model(root: Path, text: str, **more: str) -> Model:
    """A model with `text` as mm/memory.py, `more` as further files of mm/, and a mainline."""
    baseline = Baseline(
        folders=(root / "mm", root / "hw"),
        consts=(PACKAGE / "consts.py",),
        designs=root / "designs",
    )
    model = Model(root, baseline)
    model.write("mm/memory.py", text)
    for name, other in more.items():
        model.write(f"mm/{name}.py", other)
    model.write("hw/cpu.py", CPU)
    shutil.copy(PACKAGE / "hw" / "choice.py", root / "hw" / "choice.py")
    model.write("designs/mainline.py", '"""The baseline."""')
    return model
