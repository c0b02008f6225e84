"""What a function says of the state: fields that layout.py has, arrays indexed, integers read.

A local may stand for a part of the state (`page = st.page[pfn]`) as long as it stands for the same
kind of thing wherever it is assigned. Everything else that is read, stored or passed on is an
integer.
"""

from __future__ import annotations

import ast
from typing import NoReturn, TypeAlias

from pagefault.layout import ArrayOf, Int, State, Struct
from pagefault.link.source import Function, did_you_mean

Part: TypeAlias = "Int | ArrayOf | type[Struct]"

INTEGER = Int("")


class Fields:
    """What the names of one function stand for."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.assigned: dict[str, list[ast.expr | None]] = {}  # None: an integer, whatever it is
        for param in function.params:
            self.assigned[param] = [None]
        for node in ast.walk(function.node):
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        self._assign(target, value)
                case ast.AugAssign(target=target) | ast.For(target=target):
                    self._assign(target, None)
        self.parts: dict[str, Part | None] = {"st": State}
        for name in self.assigned:
            self._local(name)

    def is_part(self, node: ast.expr) -> bool:
        """Whether an expression stands for a struct or an array and not for an integer."""
        return not isinstance(self._quiet(node) or INTEGER, Int)

    def may_stand_for_part(self, target: ast.expr) -> bool:
        """Whether a target of an assignment is a local that never holds an integer."""
        return isinstance(target, ast.Name) and self._local(target.id) != INTEGER

    def part(self, node: ast.expr) -> Part:
        """What an access gives. The error of the function's file if there is no such field."""
        match node:
            case ast.Name(id=name):
                part = self._local(name)
                if part is None:
                    self._fail(
                        node,
                        f"{name} stands for different things",
                        "let each name stand for one kind of thing",
                    )
                return part
            case ast.Attribute(value=value, attr=attr):
                return self._field(node, self.part(value), attr)
            case ast.Subscript(value=value):
                part = self.part(value)
                if not isinstance(part, ArrayOf):
                    kind = "an integer" if isinstance(part, Int) else "no array"
                    self._fail(node, f"{ast.unparse(value)} is {kind} and has no index")
                return part.element
        return INTEGER

    def value(self, node: ast.expr) -> None:
        """Check an access whose value is read or stored: an integer."""
        part = self.part(node)
        if isinstance(part, ArrayOf):
            self._fail(
                node,
                f"{ast.unparse(node)} is an array of {part.length}, not a value",
                f"index it: {ast.unparse(node)}[...]",
            )
        if not isinstance(part, Int):
            self._fail(
                node,
                f"{ast.unparse(node)} is a {part.__name__}, not a value",
                f"name one of its fields: {_some(part)}",
            )

    def _field(self, node: ast.Attribute, part: Part, attr: str) -> Part:
        whole = ast.unparse(node.value)
        if isinstance(part, Int):
            self._fail(node, f"{whole} is an integer and has no field {attr}")
        if isinstance(part, ArrayOf):
            inner = part.element
            hint = None
            if not isinstance(inner, Int):
                hint = f"{whole}[...].{attr}" if attr in inner.FIELDS else _near(attr, inner)
            self._fail(node, f"{whole} is an array: index it before .{attr}", hint)
        if attr not in part.FIELDS:
            name = "the state" if part is State else f"a {part.__name__}"
            self._fail(node, f"{name} has no field {attr}", _near(attr, part))
        return part.FIELDS[attr]

    def _assign(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self.assigned.setdefault(target.id, []).append(value)

    def _local(self, name: str) -> Part | None:
        """What a local stands for: an integer if it ever does; None if for different parts."""
        if name not in self.parts:
            self.parts[name] = INTEGER  # meanwhile: names may stand for each other in a ring
            found = {
                part if part is not None and not isinstance(part, Int) else INTEGER
                for value in self.assigned.get(name, ())
                for part in [None if value is None else self._quiet(value)]
            }
            if not found or INTEGER in found:
                found = {INTEGER}
            self.parts[name] = found.pop() if len(found) == 1 else None
        return self.parts[name]

    def _quiet(self, node: ast.expr) -> Part | None:
        """What an expression gives, None if it is wrong: that is told where it is checked."""
        match node:
            case ast.Name(id=name):
                return self._local(name)
            case ast.Attribute(value=value, attr=attr):
                part = self._quiet(value)
                if part is None or isinstance(part, Int | ArrayOf):
                    return None
                return part.FIELDS.get(attr)
            case ast.Subscript(value=value):
                part = self._quiet(value)
                return part.element if isinstance(part, ArrayOf) else None
        return INTEGER

    def _fail(self, node: ast.AST, message: str, hint: str | None = None) -> NoReturn:
        raise self.function.module.error(f"{self.function.node.name}: {message}", node, hint)


def _near(attr: str, part: type[Struct]) -> str:
    return did_you_mean(attr, part.FIELDS) or f"layout.py has {_some(part)}"


def _some(part: type[Struct]) -> str:
    names = list(part.FIELDS)
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
