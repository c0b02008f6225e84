"""Small functions that are written for one compiled search, between the core and a kernel's own."""

from __future__ import annotations

from collections.abc import Sequence

from pagefault import consts

__all__ = ["SWITCH", "judge_text", "statement_text"]

SWITCH = '''"""Whether task `t` can run on its CPU now."""

from .switch_to import switch_to


def switch_task(st, t):
    """switch_to(), as an integer."""
    if switch_to(st, t):
        return 1
    return 0
'''


def judge_text(functions: Sequence[str]) -> str:
    """A function that tells which properties of the state do not hold, as a mask."""
    lines = ['"""Which properties do not hold."""', ""]
    lines += [f"from .{name} import {name}" for name in dict.fromkeys(functions)]
    lines += [
        "",
        "",
        "def judge(st, t):",
        '    """A mask, in the order given."""',
        "    broken = 0",
    ]
    for i, name in enumerate(functions):
        lines += [f"    if not {name}(st):", f"        broken |= {1 << i}"]
    return "\n".join([*lines, "    return broken", ""])


def statement_text(name: str, function: str, operands: int) -> str:
    """A path that is nothing but a call of a plain function."""
    args = "".join(f", frame.reg[{i}]" for i in range(operands))
    clear = "".join(f"    frame.reg[{i}] = 0\n" for i in range(operands))
    return (
        f'"""{function}() as a statement."""\n\nfrom .{function} import {function}\n\n\n'
        f"def {name}(st, t):\n"
        '    """One step."""\n'
        "    task = st.task[t]\n    frame = task.frame[0]\n"
        f"    task.retval = {function}(st, t{args})\n{clear}"
        "    frame.path = frame.pc = 0\n    task.depth = 0\n"
        f"    return {consts.RETURNED}\n"
    )
