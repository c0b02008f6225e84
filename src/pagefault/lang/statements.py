"""One statement: its verb, its arguments in the order of the kernel path, its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from lark import Token

from pagefault.errors import LitmusError
from pagefault.lang._text import did_you_mean, listing
from pagefault.lang.names import MAX_FILE_PAGES, Names, is_register, number, short
from pagefault.lang.printing import format_statement
from pagefault.lang.program import (
    Arg,
    Cell,
    FileCell,
    FileName,
    Int,
    Kind,
    Mirror,
    Name,
    Page,
    Pin,
    Pipe,
    Range,
    Register,
    Statement,
    Words,
)
from pagefault.lang.slots import Shape, Slot, Verb
from pagefault.lang.syntax import (
    Block,
    RawArg,
    RawCall,
    RawName,
    RawNumber,
    RawPlace,
    RawSpan,
    Sentence,
)
from pagefault.lang.verbs import VERBS, WORDS

__all__ = ["statement"]

_CALLS = tuple(name for name, verb in VERBS.items() if not verb.spelling)
_WORDS = frozenset(word for group in WORDS.values() for word in group)


def statement(
    names: Names, block: Block, sentence: Sentence, before: Sequence[Statement]
) -> Statement:
    """The meaning of one sentence; `before` are the task's statements so far."""
    if isinstance(sentence.value, RawCall):
        call = _Call(names, block, sentence.value, before)
        verb, dest, args = call.verb, *call.resolve(sentence.targets)
    else:
        verb, dest, args = _access(names, block, sentence.targets, sentence.value)
    token = sentence.token
    if block.kind == "device" and not verb.in_device:
        can = listing((name for name, v in VERBS.items() if v.in_device), "and")
        raise names.error(
            f"device {block.name} can't do this: a device does only {can}",
            token,
            "write it in a process or a thread",
        )
    result = Statement(verb.name, args, dest, token.line or 0, token.column or 0)
    return replace(result, text=format_statement(result, names.pages))


# Accesses: loads and stores, and what looks like one.


def _access(
    names: Names, block: Block, targets: tuple[RawName, ...] | RawPlace, value: RawArg
) -> tuple[Verb, Register | None, tuple[Arg, ...]]:
    task = str(block.name)
    if isinstance(targets, RawPlace):
        cell = _place(names, targets, store=True)
        return VERBS["user_store"], None, (cell, _stored(names, task, value))
    if not targets:
        shown = _shown(value)
        raise names.error(
            f"what shall become of {shown}?",
            value.token,
            f"load it into a register: r0 = {shown}",
        )
    token = targets[0].token
    if len(targets) > 1:
        raise names.error(
            "only mmap and mremap give several names at once",
            targets[1].token,
            "A, B = mmap(anon, private, rw)",
        )
    if names.kind(token) == "page":
        raise names.error(f"which cell of page {token}?", token, f"{token}[0] = 1 stores")
    dest = names.register(task, token)
    if isinstance(value, RawPlace):
        return VERBS["user_load"], dest, (_place(names, value, store=False),)
    hint = f"{token} = A[0] loads; A[0] = 1 stores"
    if isinstance(value, RawName) and names.kind(value.token) == "page":
        hint = f"{token} = {value.token}[0] loads cell 0 of page {value.token}"
    raise names.error("a register takes what a load or a call returns", value.token, hint)


def _place(names: Names, place: RawPlace, store: bool) -> Cell:
    what, shown = names.kind(place.token), _shown(place)
    if what == "pin":
        hint = f"write dma_write({shown}, 5)" if store else f"write r0 = dma_read({shown})"
        raise names.error(f"{place.token} is a pin, not a page", place.token, hint)
    if what == "pipe":
        hint = "vmsplice(A, p) puts a page into a pipe" if store else f"write r0 = read({shown})"
        raise names.error(f"{place.token} is a pipe, not a page", place.token, hint)
    if what == "file":
        hint = f"write pwrite({shown}, 5)" if store else f"write r0 = pread({shown})"
        raise names.error(f"{place.token} is a file, not a page", place.token, hint)
    return Cell(names.page(place.token), names.cell(place.index))


def _stored(names: Names, task: str, value: RawArg) -> Int | Register:
    if isinstance(value, RawNumber):
        return Int(names.value(value.token))
    if isinstance(value, RawName) and is_register(value.token):
        return names.register_read(task, value.token)
    hint = "a store: A[0] = 1, or A[0] = r0"
    if isinstance(value, RawPlace):
        hint = f"load it first: r0 = {_shown(value)}"
    raise names.error("a number or a register is wanted here", value.token, hint)


def _shown(arg: RawArg) -> str:
    """An argument as the text has it."""
    if isinstance(arg, RawPlace):
        return f"{short(arg.token)}[{short(arg.index)}]"
    if isinstance(arg, RawSpan):
        return f"{short(arg.token)}..{short(arg.last)}"
    return short(arg.token)


# Calls.


class _Call:
    """One call: its parentheses and what stands left of its `=`, sorted into the verb's slots."""

    def __init__(
        self, names: Names, block: Block, call: RawCall, before: Sequence[Statement]
    ) -> None:
        self.names = names
        self.task = str(block.name)
        self.call = call
        self.before = before
        self.verb = self._verb()

    def _verb(self) -> Verb:
        token = self.call.token
        verb = VERBS.get(token)
        if verb is not None and not verb.spelling:
            return verb
        hint = f"write {verb.spelling}" if verb is not None else did_you_mean(token, _CALLS)
        raise self.names.error(
            f"there is no verb {short(token)}", token, hint or f"verbs are {listing(_CALLS, 'and')}"
        )

    @property
    def usage(self) -> str:
        """How the verb is written."""
        return f"write {listing(self.verb.usages())}"

    def error(self, message: str, token: Token, hint: str = "") -> LitmusError:
        """An error with the verb's usage as the hint, if there is no better one."""
        return self.names.error(message, token, hint or self.usage)

    def resolve(
        self, targets: tuple[RawName, ...] | RawPlace
    ) -> tuple[Register | None, tuple[Arg, ...]]:
        """The register that takes the result, and the arguments in the order of the path."""
        dest, given = self._targets(targets)
        verb = self.verb
        words = {word for slot in verb.word_slots for word in slot.words}
        said = [a.token for a in self.call.args if isinstance(a, RawName) and a.token in words]
        plain = [a for a in self.call.args if not (isinstance(a, RawName) and a.token in words)]
        args = self._plain(plain, bool(given))
        for slot in verb.word_slots:
            args[slot] = self._words(slot, said, bool(given))
        if given and verb.named is not None:
            args[verb.named] = self._named(verb.named, given, args)
        return dest, tuple(args[slot] for slot in verb.slots)

    def _targets(
        self, targets: tuple[RawName, ...] | RawPlace
    ) -> tuple[Register | None, list[Token]]:
        """What stands left of the `=`: a register, or new names."""
        verb = self.verb
        if isinstance(targets, RawPlace):
            raise self.error(
                "the result of a call goes into a register first",
                targets.token,
                f"write r0 = {verb.name}(...), then {_shown(targets)} = r0",
            )
        named = verb.named
        tokens = [target.token for target in targets]
        if any(is_register(token) for token in tokens):
            if len(tokens) > 1:
                raise self.error(f"{verb.name} sets one register", tokens[1])
            if named is not None and (named.side == "result" or not self.call.args):
                raise self.error(f"{verb.name} gives a name, not a value", tokens[0])
            dest = self.names.register(self.task, tokens[0])
            if verb.returns == "nothing":
                raise self.error(f"{verb.name} returns nothing", tokens[0])
            return dest, []
        if named is None and tokens:
            self.names.register(self.task, tokens[0])
        if named is not None and named.side == "result" and not tokens:
            what = named.shape if named.shape in ("pin", "mirror") else "page"
            raise self.error(f"the {what} needs a name", self.call.token)
        if named is not None and named.shape in ("pin", "mirror") and len(tokens) > 1:
            raise self.error(f"{verb.name} takes one {named.shape}", tokens[1])
        return None, tokens

    def _plain(self, plain: list[RawArg], given: bool) -> dict[Slot, Arg]:
        """The arguments that are not words."""
        verb, named = self.verb, self.verb.named
        slots = [slot for slot in verb.text_slots if not (given and slot is named)]
        for arg in plain:
            if isinstance(arg, RawName) and arg.token in _WORDS:
                raise self.error(f"{verb.name} takes no {arg.token}", arg.token)
        if len(plain) > len(slots):
            extra = plain[len(slots)]
            known = [word for slot in verb.word_slots for word in slot.words]
            raise self.error(
                f"{verb.name} takes no argument {_shown(extra)} here",
                extra.token,
                did_you_mean(extra.token, known),
            )
        if len(plain) < len(slots):
            missing = slots[len(plain)].shape.replace("_", " ")
            raise self.error(f"{verb.name} lacks its {missing}", self.call.token)
        return {
            slot: _SHAPES[slot.shape](self, slot, arg)
            for slot, arg in zip(slots, plain, strict=True)
        }

    def _words(self, slot: Slot, said: list[Token], given: bool) -> Words:
        verb = self.verb
        found: list[Token] = []
        for token in said:
            if token not in slot.words:
                continue
            if token in found:
                raise self.error(f"{token} is said twice", token)
            rival = next((word for word in found if {word, token} <= set(slot.one_of)), None)
            if rival is not None:
                raise self.error(
                    f"{rival} and {token} exclude each other", token, f"take {_choice(slot)}"
                )
            found.append(token)
        if slot.one_of and not set(found) & set(slot.one_of):
            raise self.error(f"{verb.name} does not say {_choice(slot)}", self.call.token)
        for word in slot.required:
            if word not in found:
                raise self.error(f"{verb.name} does not say {word}", self.call.token)
        words = {str(token) for token in found}
        if slot.implied and not given:
            words.add(slot.implied)
        return Words(slot.group, frozenset(words))

    def _named(self, slot: Slot, given: list[Token], args: Mapping[Slot, Arg]) -> Arg:
        """The argument that stands left of the `=`."""
        first, last = str(given[0]), str(given[-1])
        if slot.shape == "pin":
            return Pin(first)
        if slot.shape == "mirror":
            return Mirror(first)
        if slot.shape == "pages":
            return Range(first, last)
        pages = self.names.pages
        for arg in args.values():
            if isinstance(arg, Range):
                size = pages.index(arg.last) - pages.index(arg.first) + 1
                if size != len(given):
                    raise self.error(
                        f"{size} page{'s' * (size > 1)} and {len(given)} new names",
                        given[0],
                        "give as many names as pages move: X, Y = mremap(A..B)",
                    )
        return Page(first)

    # Arguments by shape.

    def _word(self, slot: Slot, arg: RawArg, what: str) -> Token:
        """An argument that is a bare name."""
        if isinstance(arg, RawName):
            return arg.token
        hint = ""
        if isinstance(arg, RawPlace):
            hint = f"it is about the whole {what}: write {short(arg.token)}"
        raise self.error(f"the name of a {what} is wanted here", arg.token, hint)

    def _range(self, slot: Slot, arg: RawArg) -> Range:
        names = self.names
        if isinstance(arg, RawSpan):
            first, last = names.page(arg.token), names.page(arg.last)
            if names.pages.index(first) > names.pages.index(last):
                raise self.error(
                    f"{first}..{last} runs backwards",
                    arg.token,
                    f"the text maps the pages in the order {', '.join(names.pages)}",
                )
            return Range(first, last)
        name = names.page(self._word(slot, arg, "page"))
        return Range(name, name)

    def _page(self, slot: Slot, arg: RawArg) -> Page:
        if isinstance(arg, RawSpan):
            raise self.error(f"{self.verb.name} takes one page", arg.token)
        return Page(self.names.page(self._word(slot, arg, "page")))

    def _cell(self, slot: Slot, arg: RawArg) -> Cell:
        if isinstance(arg, RawPlace):
            return _place(self.names, arg, store=False)
        hint = ""
        if isinstance(arg, RawName) and self.names.kind(arg.token) == "page":
            hint = f"{arg.token}[0] is cell 0 of page {arg.token}"
        raise self.error("a cell of a page is wanted here", arg.token, hint)

    def _value(self, slot: Slot, arg: RawArg) -> Int | Register:
        return _stored(self.names, self.task, arg)

    def _pin(self, slot: Slot, arg: RawArg) -> Pin:
        return Pin(self.names.pin(self._word(slot, arg, "pin")))

    def _pin_cell(self, slot: Slot, arg: RawArg) -> Pin:
        if isinstance(arg, RawPlace):
            return Pin(self.names.pin(arg.token), self.names.cell(arg.index))
        return Pin(self.names.pin(self._word(slot, arg, "pin")), 0)

    def _pipe(self, slot: Slot, arg: RawArg) -> Pipe:
        return Pipe(self.names.pipe(self._word(slot, arg, "pipe")))

    def _pipe_cell(self, slot: Slot, arg: RawArg) -> Pipe:
        if isinstance(arg, RawPlace):
            return Pipe(self.names.pipe(arg.token), self.names.cell(arg.index))
        return Pipe(self.names.pipe(self._word(slot, arg, "pipe")), 0)

    def _mirror(self, slot: Slot, arg: RawArg) -> Mirror:
        return Mirror(self.names.mirror(self._word(slot, arg, "mirror")))

    def _file(self, slot: Slot, arg: RawArg) -> FileName:
        return FileName(self.names.file(self._word(slot, arg, "file")))

    def _file_cell(self, slot: Slot, arg: RawArg) -> FileCell:
        if isinstance(arg, RawPlace):
            return FileCell(self.names.file(arg.token), self.names.offset(arg.index))
        name = self.names.file(self._word(slot, arg, "file"))
        raise self.error(f"which cell of file {name}?", arg.token, f"{name}[0] is its first one")

    def _number(self, slot: Slot, arg: RawArg) -> Int:
        if not isinstance(arg, RawNumber) or not 0 <= number(arg.token) <= MAX_FILE_PAGES:
            raise self.error(
                f"a number of pages is wanted here, at most {MAX_FILE_PAGES}", arg.token
            )
        return Int(number(arg.token))

    def _task(self, slot: Slot, arg: RawArg, wanted: Kind) -> Name:
        return Name(self.names.task(self._word(slot, arg, wanted), wanted))

    def _process(self, slot: Slot, arg: RawArg) -> Name:
        return self._task(slot, arg, "process")

    def _thread(self, slot: Slot, arg: RawArg) -> Name:
        return self._task(slot, arg, "thread")

    def _waited(self, slot: Slot, arg: RawArg) -> Name:
        name = self._task(slot, arg, "process")
        if name.task == self.task:
            raise self.error(f"{self.task} waits for itself", arg.token)
        if self.names.parents.get(name.task) != self.task:
            raise self.error(
                f"{self.task} does not fork {name.task}",
                arg.token,
                f"a task waits for its own children: write fork({name.task}) before it",
            )
        if not any(s.verb == "fork" and s.args == (name,) for s in self.before):
            raise self.error(
                f"{self.task} forks {name.task} only later",
                arg.token,
                f"put fork({name.task}) before wait({name.task})",
            )
        if name.task not in self.names.exiting:
            raise self.error(
                f"{name.task} never exits",
                arg.token,
                f"put exit() at the end of {name.task}; without it a task stays, with its memory",
            )
        return name


def _choice(slot: Slot) -> str:
    return listing(slot.one_of)


_SHAPES: Mapping[Shape, Callable[[_Call, Slot, RawArg], Arg]] = MappingProxyType(
    {
        "pages": _Call._range,
        "page": _Call._page,
        "cell": _Call._cell,
        "value": _Call._value,
        "pin": _Call._pin,
        "pin_cell": _Call._pin_cell,
        "pipe": _Call._pipe,
        "pipe_cell": _Call._pipe_cell,
        "mirror": _Call._mirror,
        "file": _Call._file,
        "file_cell": _Call._file_cell,
        "number": _Call._number,
        "child": _Call._process,
        "thread": _Call._thread,
        "waited": _Call._waited,
        "process": _Call._process,
    }
)
