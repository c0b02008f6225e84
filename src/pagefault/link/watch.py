"""Which parts of the state a function looks at: its accesses rewritten so that they say so.

What a step does depends on what it reads, so a search that knows what a step read need not take it
again where that is the same (explore/remembered.py). `watched()` turns each access of a leaf of the
state, `st.folio[pfn].refcount`, into `seen(st.folio[pfn], 'refcount')`, which gives the same value
and leaves a mark (jit.py). A store counts as a read: it says nothing of what was there, but what it
changes depends on it.
"""

from __future__ import annotations

import ast
from functools import cache

from pagefault.layout import ArrayOf, Int, State, Struct

__all__ = ["LOCAL", "watched"]

LOCAL = frozenset({"ip", "depth", "retval", "reg", "frame"})
"""Fields of a task that its own steps read and write and nobody else's: its control state."""

_Part = Int | ArrayOf | type[Struct] | None


@cache
def watched(text: str, *, is_path: bool) -> str:
    """The text of one function, with `seen()` for what it looks at.

    The control state of a path's own task is left alone: it is part of what a step starts from.
    """
    tree = ast.parse(text)
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    _Watch(function, is_path).visit(function)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


class _Watch(ast.NodeTransformer):
    def __init__(self, function: ast.FunctionDef, is_path: bool) -> None:
        self.names: dict[str, _Part] = {"st": State}
        self.own: set[str] = set()  # names that stand for the task itself or a part of LOCAL
        assigns = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
        known = -1
        while known != (known := len(self.names) + len(self.own)):
            for node in assigns:
                for target in node.targets:
                    if isinstance(target, ast.Name) and not isinstance(
                        part := self.part(node.value), Int | None
                    ):
                        self.names[target.id] = part
                        if is_path and self._is_own(node.value):
                            self.own.add(target.id)

    def part(self, node: ast.expr) -> _Part:
        """What an expression stands for; None if for an integer that is no leaf."""
        match node:
            case ast.Name(id=name):
                return self.names.get(name)
            case ast.Attribute(value=value, attr=attr):
                whole = self.part(value)
                return whole.FIELDS[attr] if isinstance(whole, type) else None
            case ast.Subscript(value=value):
                whole = self.part(value)
                return whole.element if isinstance(whole, ArrayOf) else None
        return None

    def _is_own(self, node: ast.expr) -> bool:
        """Whether this is the task that takes the step, or its control state."""
        match node:
            case ast.Name(id=name):
                return name in self.own
            case ast.Attribute(value=value, attr=attr):
                return attr in LOCAL | {"path", "pc"} and self._is_own(value)
            case ast.Subscript(value=value):
                return ast.unparse(node) == "st.task[t]" or self._is_own(value)
        return False

    def _seen(self, node: ast.Attribute | ast.Subscript) -> ast.expr:
        """The access, with a mark; its own parts are watched already."""
        if isinstance(node, ast.Attribute):
            return _call("seen", node.value, ast.Constant(node.attr))
        return _call("seen_item", node.value, node.slice)

    def _access(self, node: ast.Attribute | ast.Subscript) -> ast.expr:
        leaf = self._says_so(node)
        self.generic_visit(node)
        return self._seen(node) if leaf and isinstance(node.ctx, ast.Load) else node

    def _says_so(self, node: ast.expr) -> bool:
        """Whether an access needs a mark. The integers of the state itself are fixed at boot or 0
        between steps, as are choices."""
        if not isinstance(self.part(node), Int) or self._is_own(node):
            return False
        match node:
            case ast.Attribute(value=value):
                return self.part(value) is not State
            case ast.Subscript(value=ast.Attribute(attr="choice" | "arity")):
                return False
        return True

    visit_Attribute = _access  # noqa: N815  # names that ast gives
    visit_Subscript = _access  # noqa: N815

    def _store(self, node: ast.Assign | ast.AugAssign) -> list[ast.stmt]:
        marks: list[ast.stmt] = []
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if self._says_so(target):
                load = ast.parse(ast.unparse(target), mode="eval").body
                marks.append(ast.Expr(self.visit(load)))
        self.generic_visit(node)
        return [*marks, node]

    visit_Assign = _store  # noqa: N815
    visit_AugAssign = _store  # noqa: N815


def _call(name: str, *args: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])
