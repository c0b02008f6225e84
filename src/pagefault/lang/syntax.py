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

from pagefault.lang._text import Source, listing
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

_TERMINALS = {
    "NAME": "a name",
    "INT": "a number",
    "_NEWLINE": "the end of the line",
    "$END": "the end of the file",
}

_CHARACTERS = {
    "&": "there are no pointers: the name of a page is its address; and is written /\\",
    "|": "or is written \\/",
    "<": "a condition compares with = and != only",
    ">": "a condition compares with = and != only",
    "!": "not is written ~, not equal is written !=",
    "+": "there is no arithmetic: registers hold what was read",
    "*": "there are no pointers: A[1] is cell 1 of page A",
    '"': "names are written without quotes",
    "'": "names are written without quotes",
}


def _explain(source: Source, body: str, error: UnexpectedInput) -> NoReturn:
    """Turn the parser's error into one that says what to write."""
    if isinstance(error, UnexpectedCharacters):
        char = source.lines[error.line - 1][error.column - 1]
        hint = _CHARACTERS.get(char, "")
        raise source.error(f"unexpected character {char!r}", error.line, error.column, hint)
    assert isinstance(error, UnexpectedToken)
    token, accepts = error.token, error.accepts or set()
    line = source.lines[(token.line or 1) - 1]
    before = line[: (token.column or 1) - 1].strip()
    first = before.split()[0] if before else ""
    in_block = _open(body, "{", "}", token)
    if token.type == "$END" or (in_block and first in (*KINDS, "exists", "forall", "~exists")):
        _unclosed(source, body, token, in_block)
    shown = "end of the line" if token.type == "_NEWLINE" else repr(str(token))
    hint = _hint(token, before, accepts)
    raise source.error(f"unexpected {shown}", token.line, token.column, hint)


def _unclosed(
    source: Source, body: str, token: Token, in_block: tuple[int, int] | None
) -> NoReturn:
    """Something goes on until the next block, the condition or the end: point at its start."""
    if in_block:
        raise source.error("this block is never closed", *in_block, "close it with }")
    paren = _open(body, "(", ")", token)
    if paren:
        raise source.error("this parenthesis is never closed", *paren, "close it with )")
    last = max(n for n, line in enumerate(source.lines, 1) if line.strip())
    raise source.error("unexpected end of the file", last, len(source.lines[last - 1]) + 1)


def _open(body: str, left: str, right: str, until: Token) -> tuple[int, int] | None:
    """Line and column of the last `left` before a token that no `right` closes."""
    opened: list[tuple[int, int]] = []
    for number, text in enumerate(body.split("\n"), 1):
        for match in re.finditer(r"(#|//).*|[{}()]", text):
            place = (number, match.start() + 1)
            if until.type != "$END" and place >= (until.line or 0, until.column or 0):
                break
            if match[0] == left:
                opened.append(place)
            elif match[0] == right and opened:
                opened.pop()
    return opened[-1] if opened else None


def _hint(token: Token, before: str, accepts: set[str]) -> str:
    first, last = (before.split()[0], before.split()[-1]) if before else ("", "")
    if token == "=" and before.endswith("="):
        return "a condition compares with one ="
    if token == ":" and "LBRACE" in accepts:
        return f"a condition stands in parentheses: {first} (P:r0 = 1)"
    if token == "{" and not before:
        return "a block starts with its kind and name: process P { ... }"
    if token == "{" and last in KINDS:
        return f"a {last} needs a name: {last} P {{ ... }}"
    if token.type in ("EQUAL", "LSQB", "COMMA") and "LPAR" in accepts and "EQUAL" not in accepts:
        return "statements stand in a block: process P { ... }"
    if token.type == "INT" and "NAME" in accepts and "INT" not in accepts:
        return "tasks have names: P:r0"
    if token.type == "RPAR" and "LPAR" not in accepts and "NAME" in accepts:
        return "there are more ) than ("
    if token.type == "_NEWLINE" and "RPAR" in accepts:
        return "close the parenthesis: a statement stands on one line"
    words = [_looks(name) for name in sorted(accepts)]
    return f"expected {listing(words)}" if 0 < len(words) <= 6 else ""


def _looks(terminal: str) -> str:
    """What a terminal of the grammar looks like in the text."""
    if terminal in _TERMINALS:
        return _TERMINALS[terminal]
    for definition in _lark().terminals:
        if definition.name == terminal:
            return f"`{definition.pattern.value}`"
    return terminal
