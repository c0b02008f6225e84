"""Locals are set before they are read, whichever way a function goes.

Python would stop there; a compiled function and a register would quietly give 0.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from pagefault.link.source import Function, Symbols, constant_value

Names = frozenset[str]


def check_assigned(function: Function, symbols: Symbols) -> None:
    """ModelError or DesignError if a local may be read before it is set."""
    _Flow(function, symbols).run()


class _Flow:
    """Follows the ways through a function. A set of names: those set by then; None: no way here."""

    def __init__(self, function: Function, symbols: Symbols) -> None:
        self.function = function
        self.symbols = symbols
        self.locals = {
            n.id
            for n in ast.walk(function.node)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        self.breaks: list[list[Names]] = []

    def run(self) -> None:
        self.body(self.function.node.body, frozenset(self.function.params))

    def body(self, body: Sequence[ast.stmt], known: Names | None) -> Names | None:
        for node in body:
            if known is None:
                return None
            known = self.statement(node, known)
        return known

    def statement(self, node: ast.stmt, known: Names) -> Names | None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self.read(value, known)
                for target in targets:
                    self.read(target, known)
                return known | {t.id for t in targets if isinstance(t, ast.Name)}
            case ast.AugAssign(target=target, value=value):
                self.read(value, known)
                self.read(target, known)
                if isinstance(target, ast.Name):
                    self.name(target, known)
                return known
            case ast.Expr(value=value):
                self.read(value, known)
                return known
            case ast.Return(value=value):
                if value is not None:
                    self.read(value, known)
                return None
            case ast.If(test=test, body=body, orelse=orelse):
                self.read(test, known)
                return _join(self.body(body, known), self.body(orelse, known))
            case ast.While(test=test, body=body):
                self.read(test, known)
                ends = None if self.constant(test) else known
                return self.loop(body, known, ends)
            case ast.For(target=target, iter=iterator, body=body):
                assert isinstance(target, ast.Name)
                self.read(iterator, known)
                return self.loop(body, known | {target.id}, known)
            case ast.Break():
                self.breaks[-1].append(known)
                return None
            case ast.Continue():
                return None
        return known

    def loop(self, body: Sequence[ast.stmt], inside: Names, ends: Names | None) -> Names | None:
        """What is set behind a loop; `ends`: what is when its test or its range ends it."""
        self.breaks.append([])
        self.body(body, inside)
        for known in self.breaks.pop():
            ends = _join(ends, known)
        return ends

    def constant(self, test: ast.expr) -> int | None:
        return constant_value(
            test,
            lambda name: (
                None if name in self.locals else self.symbols.constant(self.function.module, name)
            ),
        )

    def read(self, node: ast.expr, known: Names) -> None:
        for n in ast.walk(node):
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load):
                self.name(n, known)

    def name(self, node: ast.Name, known: Names) -> None:
        if node.id in self.locals and node.id not in known:
            raise self.function.module.error(
                f"{self.function.node.name}: {node.id} may be read before it is set",
                node,
                "set it on every way that leads here; a loop may run not even once",
            )


def _join(a: Names | None, b: Names | None) -> Names | None:
    if a is None or b is None:
        return b if a is None else a
    return a & b
