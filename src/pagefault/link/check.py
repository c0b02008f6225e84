"""The language of paths: what a function of the model may say.

Plain functions are simple Python on integers. Generators are that plus, at statement level only,

    yield "label"                               a switch point
    while condition: yield BLOCKED              a guard: the task waits for a lock
    while condition: yield WAITING              a guard: the task waits for the program
    [x =] yield from path(st, t, ...)           a call of another generator
    return (yield from path(st, t, ...))

A guard follows a switch point directly or opens the function. So when it fails nothing has been
changed in this step, or, if the function was called in the middle of a step, the caller's whole
step is blocked: the explorer throws the trial state away either way.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NoReturn

from pagefault.link.assigned import check_assigned
from pagefault.link.fields import Fields
from pagefault.link.source import (
    SUSPENSIONS,
    Function,
    Symbols,
    constant_value,
    did_you_mean,
    kind_of,
    kind_of_value,
    what,
)

MAX_SHIFT = 64
MAX_ROUNDS = 10_000
MAX_CHOICES = 8
BUILTINS = {"range", "min", "max", "abs", "int", "bool"}
GUARDS = ("BLOCKED", "WAITING")
_ARITY = {"abs": (1, 1), "int": (1, 1), "bool": (1, 1), "min": (2, 9), "max": (2, 9)}


def check(function: Function, symbols: Symbols) -> None:
    """Check one function. ModelError, or DesignError in a design's file, with the line."""
    _Checker(function, symbols).run()
    check_assigned(function, symbols)


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is nothing but a text."""
    return isinstance(node, ast.Expr) and (
        isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def guard_word(node: ast.stmt) -> str | None:
    """BLOCKED or WAITING, as a word, if a statement is a guard."""
    match node:
        case ast.While(body=[ast.Expr(value=ast.Yield(value=ast.Name(id=word)))], orelse=[]):
            return word if word in GUARDS else None
    return None


def switch_label(node: ast.stmt) -> str | None:
    """The label if a statement is `yield "label"`."""
    match node:
        case ast.Expr(value=ast.Yield(value=ast.Constant(value=str(label)))):
            return label
    return None


def called_path(value: ast.expr | None) -> ast.Call | None:
    """The call if an expression is `yield from path(...)`."""
    match value:
        case ast.YieldFrom(value=ast.Call(func=ast.Name()) as call):
            return call
    return None


def suspends(node: ast.AST) -> bool:
    """Whether there is a yield anywhere in a statement."""
    return any(isinstance(n, SUSPENSIONS) for n in ast.walk(node))


def local_names(node: ast.FunctionDef) -> set[str]:
    """Parameters and every name that is assigned."""
    stored = {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return stored | {a.arg for a in node.args.args}


def leaves(node: ast.stmt) -> bool:
    """Whether nothing behind a statement is ever reached."""
    match node:
        case ast.Return() | ast.Break() | ast.Continue():
            return True
        case ast.If(body=body, orelse=orelse):
            return any(map(leaves, body)) and any(map(leaves, orelse))
        case ast.While(test=ast.Constant(value=value), body=body) if value:
            return not any(isinstance(n, ast.Break) for n in own_jumps(body))
    return False


def own_jumps(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The breaks and continues of a loop with this body, not those of loops within."""
    for node in body:
        if isinstance(node, ast.Break | ast.Continue):
            yield node
        elif isinstance(node, ast.If):
            yield from own_jumps(node.body)
            yield from own_jumps(node.orelse)


def _acts(node: ast.AST) -> bool:
    """Whether a node may change what a loop tests."""
    return isinstance(node, ast.Assign | ast.AugAssign | ast.For | ast.Call)


def gives_value(node: ast.FunctionDef) -> bool:
    """Whether a function returns a value whichever way it ends."""
    returns = [n for n in ast.walk(node) if isinstance(n, ast.Return)]
    return all(n.value is not None for n in returns) and any(map(leaves, node.body))


class _Checker:
    def __init__(self, function: Function, symbols: Symbols) -> None:
        self.function = function
        self.symbols = symbols
        self.locals = local_names(function.node)
        self.fields = Fields(function)
        self.loops = 0

    def fail(self, node: ast.AST, message: str, hint: str | None = None) -> NoReturn:
        raise self.function.module.error(f"{self.function.node.name}: {message}", node, hint)

    def run(self) -> None:
        node, args = self.function.node, self.function.node.args
        if args.posonlyargs or args.kwonlyargs or args.vararg or args.kwarg or args.defaults:
            self.fail(node, "only plain parameters are possible, without defaults")
        for name in ("st", "t"):
            if name in self.function.params[1 if name == "st" else 2 :]:
                self.fail(node, f"parameter {name} stands in the wrong place", "(st, t, ...)")
        if self.function.is_generator and self.function.params[:2] != ("st", "t"):
            self.fail(
                node,
                "a generator's first parameters are `st, t`",
                f"def {node.name}(st, t, ...): the state, and the task that runs",
            )
        self.block(node.body, opens=self.function.is_generator)

    # statements

    def block(self, body: list[ast.stmt], opens: bool = False) -> None:
        """Check statements in a row. `opens`: a guard may stand first."""
        may_guard = opens
        for at, node in enumerate(body):
            if is_docstring(node):
                if at:
                    self.fail(node, "a text is not a statement", "use a comment")
                continue
            if guard_word(node):
                if not may_guard:
                    self.fail(
                        node,
                        "a guard must follow a switch point directly or open the function",
                        'put `yield "label"` before it: nothing may change in a step that blocks',
                    )
                assert isinstance(node, ast.While)
                self.expr(node.test)
            else:
                self.statement(node)
                may_guard = switch_label(node) is not None

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Pass():
                pass
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self.target(target)
                if self.fields.is_part(value) and all(map(self.fields.may_stand_for_part, targets)):
                    self.part(value)
                else:
                    self.value_or_call(node, value, targets)
            case ast.AugAssign(target=target, value=value):
                self.target(target)
                self.expr(value)
            case ast.Expr(value=value):
                self.effect(node, value)
            case ast.Return(value=value):
                if value is not None:
                    self.value_or_call(node, value, [])
            case ast.If(test=test, body=body, orelse=orelse):
                self.expr(test)
                self.block(body)
                self.block(orelse)
            case ast.While(test=test, body=body, orelse=orelse):
                if orelse:
                    self.fail(orelse[0], "`while` has no `else` here")
                self.expr(test)
                self.ends(node)
                self.loop(body)
            case ast.For():
                self.for_loop(node)
            case ast.Break() | ast.Continue():
                if not self.loops:
                    self.fail(node, f"`{ast.unparse(node)}` stands in a loop only")
            case _:
                self.fail(node, f"{what(node)} is not part of the language of paths")

    def ends(self, node: ast.While) -> None:
        """Refuse a loop that nothing can end."""
        inside = [n for x in node.body for n in ast.walk(x)]
        if suspends(node) or any(isinstance(n, ast.Return) for n in inside):
            return
        if any(isinstance(n, ast.Break) for n in own_jumps(node.body)):
            return
        value = self.constant(node.test)
        if value or (value is None and not any(map(_acts, inside))):
            self.fail(
                node,
                "this loop never ends",
                "a `while` changes what it tests, or leaves by `break` or `return`",
            )

    def constant(self, node: ast.expr) -> int | None:
        return constant_value(
            node,
            lambda name: (
                None if name in self.locals else self.symbols.constant(self.function.module, name)
            ),
        )

    def loop(self, body: list[ast.stmt]) -> None:
        self.loops += 1
        self.block(body)
        self.loops -= 1

    def for_loop(self, node: ast.For) -> None:
        if node.orelse:
            self.fail(node.orelse[0], "`for` has no `else` here")
        if not isinstance(node.target, ast.Name):
            self.fail(node.target, "a loop variable is a plain name")
        self.target(node.target)
        match node.iter:
            case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]) if (
                1 <= len(args) <= 3 and "range" not in self.locals
            ):
                for arg in args:
                    self.expr(arg)
                    if abs(self.constant(arg) or 0) > MAX_ROUNDS:
                        self.fail(arg, f"a loop of more than {MAX_ROUNDS} rounds would not end")
                if len(args) == 3 and self.constant(args[2]) == 0:
                    self.fail(args[2], "the step of a loop is not 0")
            case _:
                self.fail(node.iter, "`for` goes over range(...) only")
        self.loop(node.body)

    def target(self, node: ast.expr) -> None:
        match node:
            case ast.Name(id="st" | "t" as name):
                self.fail(node, f"`{name}` cannot be assigned to")
            case ast.Name():
                pass
            case ast.Attribute() | ast.Subscript():
                self.state_access(node)
                self.fields.value(node)
            case _:
                self.fail(node, f"{what(node)} cannot be assigned to", "one name at a time")

    def value_or_call(self, node: ast.stmt, value: ast.expr, targets: list[ast.expr]) -> None:
        if isinstance(value, ast.YieldFrom):
            if len(targets) > 1 or not all(isinstance(x, ast.Name) for x in targets):
                self.fail(
                    node,
                    "the result of a path goes to one local name",
                    "x = yield from path(...), then store x",
                )
            self.path_call(value, used=True)
        elif isinstance(value, ast.Yield):
            self.fail(value, "a switch point has no value")
        else:
            self.expr(value)

    def effect(self, node: ast.Expr, value: ast.expr) -> None:
        match value:
            case ast.Yield(value=ast.Constant(value=str(label))):
                if not label.strip():
                    self.fail(value, "a switch point needs a label")
            case ast.Yield(value=ast.Name(id=word)) if word in GUARDS:
                self.fail(
                    value,
                    f"`yield {word}` stands only in a guard",
                    f"while <not yet>: yield {word}",
                )
            case ast.Yield():
                self.fail(value, "a switch point is labelled by a text", 'yield "PTL dropped"')
            case ast.YieldFrom():
                self.path_call(value, used=False)
            case ast.Call():
                self.call(value, used=False)
            case _:
                self.fail(node, "this has no effect")

    def path_call(self, node: ast.YieldFrom, used: bool) -> None:
        call = called_path(node)
        if call is None:
            self.fail(node, "`yield from` calls a path", "yield from path(st, t, ...)")
        assert isinstance(call.func, ast.Name)
        callee = self.callee(call, call.func.id)
        if callee is None:
            self.fail(call, f"{call.func.id} is not a function of the model")
        if not callee.is_generator:
            self.fail(
                call,
                f"{callee.node.name} is a plain function ({callee.home}:{callee.line})",
                "call it without `yield from`",
            )
        if used:
            self.must_give(call, callee)
        match call.args:
            case [ast.Name(id="st"), ast.Name(id="t"), *rest]:
                for arg, param in zip(rest, callee.params[2:], strict=True):
                    self.expr(arg)
                    kind = kind_of_value(arg)
                    if kind and kind_of(param) != kind:
                        self.fail(
                            arg,
                            f"{ast.unparse(arg)} is a {kind}, parameter {param} of "
                            f"{callee.node.name}() is not called so",
                            f"name it {kind}, or {param}_{kind}",
                        )
            case _:
                self.fail(call, "a path is called with `st, t` first: it runs in the same task")

    # expressions

    def expr(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=value):
                if not isinstance(value, int):
                    self.fail(node, f"{value!r} is not an integer")
                if value.bit_length() >= MAX_SHIFT:
                    self.fail(node, f"an integer has {MAX_SHIFT} bits")
            case ast.Name():
                self.name(node)
            case ast.Attribute() | ast.Subscript():
                self.state_access(node)
                self.fields.value(node)
            case ast.BinOp(left=left, op=op, right=right):
                if isinstance(op, ast.Div | ast.MatMult | ast.Pow):
                    hint = "use //" if isinstance(op, ast.Div) else None
                    self.fail(node, "values are integers: + - * // % << >> & | ^", hint)
                self.expr(left)
                self.expr(right)
                if isinstance(op, ast.LShift | ast.RShift):
                    by = self.constant(right)
                    if by is not None and not 0 <= by < MAX_SHIFT:
                        self.fail(right, f"a shift by {by}: an integer has {MAX_SHIFT} bits")
            case ast.UnaryOp(operand=operand):
                self.expr(operand)
            case ast.BoolOp(values=terms):
                for term in terms:
                    self.expr(term)
            case ast.Compare():
                self.compare(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.expr(test)
                self.expr(body)
                self.expr(orelse)
            case ast.Call():
                self.call(node, used=True)
            case ast.Yield() | ast.YieldFrom():
                self.fail(
                    node,
                    "a `yield` stands at statement level",
                    "x = yield from path(...), then use x",
                )
            case _:
                self.fail(node, f"{what(node)} is not part of the language of paths")

    def compare(self, node: ast.Compare) -> None:
        self.expr(node.left)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.Is | ast.IsNot):
                self.fail(node, "values are integers", "use == or !=")
            if not isinstance(op, ast.In | ast.NotIn):
                self.expr(comparator)
            elif isinstance(comparator, ast.Tuple):
                for element in comparator.elts:
                    self.expr(element)
            else:
                self.fail(node, "`in` is followed by a tuple", "x in (A, B)")

    def name(self, node: ast.Name) -> None:
        name = node.id
        if name in ("st", "t") and name in self.locals:
            if name == "st":
                self.fail(node, "`st` is not a value: read a field of it or pass it on")
            return
        if name in self.locals:
            self.fields.value(node)
        if name in self.locals or self.symbols.constant(self.function.module, name) is not None:
            return
        if name in self.symbols.functions or name in BUILTINS:
            self.fail(node, f"{name} is a function and must be called here")
        self.fail(
            node,
            f"{name} is neither a local name nor a constant of the model",
            did_you_mean(name, self.symbols.known(self.function.module) | self.locals),
        )

    def part(self, node: ast.expr) -> None:
        """Check an expression that gives a local a part of the state to stand for."""
        if isinstance(node, ast.Name) and node.id != "st":
            return
        if isinstance(node, ast.Name):
            self.name(node)
        self.state_access(node)
        self.fields.part(node)

    def state_access(self, node: ast.expr) -> None:
        match node:
            case ast.Attribute(value=value):
                self.state_access(value)
            case ast.Subscript(value=value, slice=index):
                if not isinstance(value, ast.Attribute | ast.Subscript):
                    self.fail(node, "only arrays of the state can be indexed")
                self.state_access(value)
                self.expr(index)
            case ast.Name(id=name) if name in self.locals and name != "t":
                pass
            case ast.Name(id=name):
                self.fail(
                    node,
                    f"{name} is not the state",
                    f"import {name}'s names one by one" if name not in self.locals else None,
                )
            case _:
                self.fail(node, "a field is read from `st`")

    def must_give(self, node: ast.AST, callee: Function) -> None:
        if not gives_value(callee.node):
            self.fail(
                node,
                f"the value of {callee.node.name}() is used, but not every way out returns one",
                f"see {callee.home}:{callee.line}",
            )

    def call(self, node: ast.Call, used: bool) -> None:
        if not isinstance(node.func, ast.Name):
            self.fail(node, "only functions of the model can be called", "f(st, ...)")
        name = node.func.id
        callee = self.callee(node, name)
        if callee is None:
            low, high = _ARITY.get(name, (1, 3))
            if name == "range":
                self.fail(node, "range() stands in a `for` only")
            if not low <= len(node.args) <= high:
                self.fail(node, f"{name}() does not take {len(node.args)} arguments")
        elif name == "choose" and len(node.args) == 2:
            n = self.constant(node.args[1])
            if n is not None and not 1 <= n <= MAX_CHOICES:
                self.fail(
                    node.args[1],
                    f"choose() one of {n}: the search takes each, and {MAX_CHOICES} are the most",
                )
        elif callee.is_generator:
            self.fail(
                node,
                f"{name} is a generator ({callee.home}:{callee.line})",
                f"yield from {name}(...)"
                if self.function.is_generator
                else "a plain function is atomic and cannot call it; override the caller instead",
            )
        elif used:
            self.must_give(node, callee)
        for arg in node.args:
            if not (isinstance(arg, ast.Name) and arg.id == "st" and callee is not None):
                self.expr(arg)

    def callee(self, node: ast.Call, name: str) -> Function | None:
        """The function that a call means, None for a builtin."""
        if name in self.locals:
            self.fail(node, f"{name} is a local name and cannot be called")
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            self.fail(node, "arguments are given by position")
        callee = self.symbols.functions.get(name)
        if callee is None:
            if name in BUILTINS:
                return None
            self.fail(
                node,
                f"{name} is not a function of the model",
                did_you_mean(name, [*self.symbols.functions, *BUILTINS]),
            )
        if len(node.args) != len(callee.params):
            self.fail(
                node,
                f"{len(node.args)} arguments for {callee.signature}",
                f"it is defined in {callee.home}:{callee.line}",
            )
        return callee
