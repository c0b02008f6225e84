"""What the tables of gup_longterm_c.py, mkdirty_c.py and soft_dirty_c.py are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """What one process does. `failed` is what must not be at the end; `fails` names the designs
    where it is, and `why` says why."""

    function: str
    statements: str
    failed: str
    fails: tuple[str, ...] = ()
    why: str = ""


def text(name: str, case: Case) -> str:
    """The litmus file of a case."""
    lines = "\n".join(f"    {line.strip()}" for line in case.statements.split(";"))
    return (
        f'+++\ntitle = "{name.replace("+", ": ").replace("-", " ")}"\n'
        f'source = "tools/testing/selftests/mm/{case.function}()"\n+++\n'
        f"process P {{\n{lines}\n}}\nexists ({case.failed})\n"
    )
