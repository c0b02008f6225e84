"""From text to a tree of shapes with places: what the grammar can know. check.py does the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from pagefault.lang._text import Source, did_you_mean, listing
from pagefault.lang.verbs import KINDS

__all__ = ["Block", "Question", "Sentence", "syntax"]

MAX_DEPTH = 32
"""How deep a condition may nest."""


@dataclass(frozen=True)
class RawName:
    """`A`."""

    token: Token


@dataclass(frozen=True)
class RawNumber:
    """`5`."""

    token: Token


@dataclass(frozen=True)
class RawSpan:
    """`A..B`."""

    token: Token
    last: Token


@dataclass(frozen=True)
class RawPlace:
    """`A[1]`."""

    token: Token
    index: Token


RawArg: TypeAlias = RawName | RawNumber | RawSpan | RawPlace


@dataclass(frozen=True)
class RawCall:
    """`verb(arguments)`."""

    token: Token
    args: tuple[RawArg, ...]


@dataclass(frozen=True)
class Sentence:
    """A statement: `targets = value`, or `value` alone without targets."""

    targets: tuple[RawName, ...] | RawPlace
    value: RawCall | RawArg

    @property
    def token(self) -> Token:
        """Where it starts."""
        if isinstance(self.targets, RawPlace):
            return self.targets.token
        return self.targets[0].token if self.targets else self.value.token


@dataclass(frozen=True)
class Block:
    """`kind name on cpu 1 { ... }`; `binding` holds the three words between name and brace."""

    kind: Token
    name: Token
    binding: tuple[Token, Token, Token] | None
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class RawAtom:
    """`P:r0 = 1`."""

    task: Token
    left: RawName | RawPlace
    relation: str
    right: RawName | RawNumber


@dataclass(frozen=True)
class RawExpr:
    """`operator` is "not", "and", "or"; `depth` counts the operators down to the atoms."""

    operator: str
    operands: tuple[RawExpr | RawAtom, ...]
    depth: int


@dataclass(frozen=True)
class Question:
    """The condition: `~` if any, the quantifier's word, and the expression."""

    tilde: Token | None
    quantifier: Token
    expr: RawExpr | RawAtom


def syntax(source: Source, body: str) -> list[Block | Question]:
    """The blocks and conditions of a program text, in order; LitmusError if it has no shape."""
    try:
        items = cast(list[Block | Question | _TooDeep], _lark().parse(body))
    except UnexpectedInput as error:
        _explain(source, body, error)
    result: list[Block | Question] = []
    for item in items:
        if isinstance(item, _TooDeep):
            raise source.error(
                f"the condition nests deeper than {MAX_DEPTH} operators",
                item.token.line,
                item.token.column,
                "ask a simpler question, or several in several files",
            )
        result.append(item)
    return result


@dataclass(frozen=True)
class _TooDeep:
    """Stands in place of a condition that nests too deep."""

    token: Token


class _Newlines:
    """Drops the newlines within the parentheses of a condition; in a block they end statements."""

    always_accept = ("_NEWLINE",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        in_block, parens = False, 0
        for token in stream:
            if token.type in ("LBRACE", "RBRACE"):
                in_block, parens = token.type == "LBRACE", 0
            elif token.type in ("LPAR", "RPAR"):
                parens += 1 if token.type == "LPAR" else -1
            elif token.type == "_NEWLINE" and parens > 0 and not in_block:
                continue
            yield token


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """Called by the parser at each reduction, bottom up: no recursion, however deep the text."""

    def start(self, *items: Block | Question | _TooDeep) -> list[Block | Question | _TooDeep]:
        return list(items)

    def binding(self, *tokens: Token) -> tuple[Token, ...]:
        return tokens

    def body(self, *sentences: Sentence) -> tuple[Sentence, ...]:
        return sentences

    def block(self, kind: Token, name: Token, *rest: Any) -> Block:
        return Block(kind, name, rest[0] if len(rest) == 2 else None, rest[-1])

    def assign(self, *parts: Any) -> Sentence:
        return Sentence(parts[:-1], parts[-1])

    def store(self, place: RawPlace, value: RawCall | RawArg) -> Sentence:
        return Sentence(place, value)

    def lonely(self, value: RawPlace) -> Sentence:
        return Sentence((), value)

    def statement(self, call: RawCall) -> Sentence:
        return Sentence((), call)

    def call(self, verb: Token, *args: RawArg | None) -> RawCall:
        return RawCall(verb, tuple(arg for arg in args if arg is not None))

    def name(self, token: Token) -> RawName:
        return RawName(token)

    def number(self, token: Token) -> RawNumber:
        return RawNumber(token)

    def span(self, first: Token, last: Token) -> RawSpan:
        return RawSpan(first, last)

    def place(self, name: Token, index: Token) -> RawPlace:
        return RawPlace(name, index)

    def relation(self, token: Token) -> str:
        return str(token)

    def atom(self, task: Token, left: Any, relation: str, right: Any) -> RawAtom:
        return RawAtom(task, left, relation, right)

    def negated(self, *parts: Any) -> RawExpr:
        return _expr("not", parts[-1:])

    def conjunction(self, *operands: RawExpr | RawAtom) -> RawExpr:
        return _expr("and", operands)

    def disjunction(self, *operands: RawExpr | RawAtom) -> RawExpr:
        return _expr("or", operands)

    def condition(self, *parts: Any) -> Question | _TooDeep:
        *words, expr = parts
        quantifier = words[-1]
        if isinstance(expr, RawExpr) and expr.depth > MAX_DEPTH:
            return _TooDeep(quantifier)
        return Question(words[0] if len(words) == 2 else None, quantifier, expr)


def _expr(operator: str, operands: tuple[RawExpr | RawAtom, ...]) -> RawExpr:
    """Nested `and` in `and`, `or` in `or` are one; the depth is that of the deepest operand."""
    flat: list[RawExpr | RawAtom] = []
    for operand in operands:
        if isinstance(operand, RawExpr) and operand.operator == operator != "not":
            flat += operand.operands
        else:
            flat.append(operand)
    depth = 1 + max((e.depth for e in flat if isinstance(e, RawExpr)), default=0)
    return RawExpr(operator, tuple(flat), depth)


@cache
def _lark() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        transformer=_Build(),
        postlex=_Newlines(),
        maybe_placeholders=False,
    )


# Errors.

_TOKENS = {
    "NAME": "a name",
    "INT": "a number",
    "_NEWLINE": "a new line",
    "$END": "the end of the file",
    "TILDE": "~",
}

_CHARACTERS = {
    "&": "write /\\ for and",
    "|": "write \\/ for or",
    "<": "a condition compares with = and != only",
    ">": "a condition compares with = and != only",
    "+": "there is no arithmetic: registers hold what was read",
    "*": "there are no pointers: A[1] is cell 1 of page A",
    '"': "the program part has no strings; names are written bare",
    "'": "the program part has no strings; names are written bare",
    "!": "only != has one; write ~ or not",
}


def _explain(source: Source, body: str, error: UnexpectedInput) -> NoReturn:
    """Turn the parser's error into one that says what to write."""
    line, column = error.line, error.column
    if isinstance(error, UnexpectedCharacters):
        char = error.char
        hint = _CHARACTERS.get(char, "")
        raise source.error(f"unexpected character {char!r}", line, column, hint)
    assert isinstance(error, UnexpectedToken)
    token = error.token
    if token.type == "$END":
        _at_end(source, body)
    # The grammar accepts a token more than once under different names: ask what would go on.
    accepts = error.accepts or set()
    shown = "the end of the line" if token.type == "_NEWLINE" else f"{str(token)!r}"
    hint = _hint(source, token, accepts)
    raise source.error(f"unexpected {shown}", line, column, hint)


def _at_end(source: Source, body: str) -> NoReturn:
    """The text ended too early: point at what is open."""
    opened: tuple[int, int] | None = None
    parens: tuple[int, int] | None = None
    for number, text in enumerate(body.split("\n"), 1):
        for match in re.finditer(r"(#|//).*|[{}()]", text):
            if match[0] == "{":
                opened = (number, match.start() + 1)
            elif match[0] == "}":
                opened = None
            elif match[0] == "(":
                parens = parens or (number, match.start() + 1)
    if opened is not None:
        raise source.error("this block is never closed", *opened, "close it with }")
    if parens is not None:
        raise source.error("the condition is never closed", *parens, "close it with )")
    raise source.error("the text ends too early", len(source.lines), 1)


def _hint(source: Source, token: Token, accepts: set[str]) -> str:
    line = source.lines[(token.line or 1) - 1]
    before = line[: (token.column or 1) - 1].rstrip()
    first = before.split()[0] if before.split() else ""
    if token == "=" and before.endswith("="):
        return "a condition compares with one ="
    if token == ":" and first.lstrip("~") in ("exists", "forall"):
        return f"a condition stands in parentheses: {first} (P:r0 = 1)"
    if token == "{" and "NAME" in accepts and not before:
        return "a block starts with its kind and name: process P { ... }"
    if token == "{" and before.split()[-1:] and before.split()[-1] in KINDS:
        return f"a {before.split()[-1]} needs a name: {before.split()[-1]} P {{ ... }}"
    if token.type in ("EQUAL", "LSQB", "COMMA", "RBRACE") and "LPAR" in accepts:
        return "statements stand in a block: process P { ... }"
    if "INT" in accepts and accepts <= {"INT"}:
        return "a number stands here" + (
            ": A[0] is cell 0 of page A" if before.endswith("[") else ""
        )
    words = [_TOKENS.get(name, _literal(name)) for name in sorted(accepts)]
    near = did_you_mean(str(token), words)
    return near or (f"expected {listing(words)}" if 0 < len(words) <= 5 else "")


def _literal(terminal: str) -> str:
    """What a terminal of the grammar looks like in the text."""
    for definition in _lark().terminals:
        if definition.name == terminal:
            return str(definition.pattern.value)
    return terminal
