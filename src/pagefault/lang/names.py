"""The names of a program: tasks, pages, pins, pipes, mirrors, registers; who starts whom."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import cast

from lark import Token

from pagefault.errors import LitmusError
from pagefault.lang._text import Source, did_you_mean, listing
from pagefault.lang.program import Kind, Register
from pagefault.lang.syntax import Block, RawArg, RawCall, RawName, RawPlace, RawSpan
from pagefault.lang.verbs import KINDS, REGISTERS, RESERVED, VERBS, WORDS, Verb

__all__ = ["Names", "is_register", "short"]

MAX_TASKS = 6
MAX_PROCESSES = 4
MAX_CPUS = 4
MAX_PAGES = 8
MAX_PINS = 4
MAX_PIPES = 2
MAX_MIRRORS = 2
MAX_FILES = 2
MAX_FILE_PAGES = 4
MAX_STATEMENTS = 16
CELLS = 4
MAX_VALUE = 127
"""The largest number in a text: a cell is one byte, signed."""


class Names:
    """What the blocks of a text define. LitmusError if they define it wrongly.

    `pages`, `pins`, `pipes`, `mirrors` and `files` are in the order of the text; `kinds` maps tasks
    to their kinds, `parents` tasks to the task that forks or clones them; `exiting` are the tasks
    with an exit().
    """

    def __init__(self, source: Source, blocks: list[Block]) -> None:
        self.source = source
        self.blocks = blocks
        self.kinds: dict[str, Kind] = {}
        self.parents: dict[str, str] = {}
        self.exiting: set[str] = set()
        self.pages: list[str] = []
        self.pins: list[str] = []
        self.pipes: list[str] = []
        self.mirrors: list[str] = []
        self.files: list[str] = []
        self._all: dict[str, str] = {}  # every name and what it names: "page", "thread", ...
        self._sets: dict[str, set[str]] = {}  # registers that a task sets somewhere
        self._collect_tasks()
        self._collect_names()
        self._collect_parents()
        self._check_starts()
        self._check_pages()

    def error(self, message: str, token: Token, hint: str = "") -> LitmusError:
        """An error at a word of the text."""
        return self.source.error(message, token.line, token.column, hint)

    def kind(self, name: str) -> str:
        """What a name names: "page", "pin", "pipe", "process", ...; "" if nothing."""
        return self._all.get(name, "")

    # Collecting.

    def _define(self, token: Token, what: str, known: list[str], most: int) -> None:
        """Note a new name of a page, pin, pipe or mirror; the same name again is no news."""
        if self._all.get(token) == what:
            return
        if token in self._all:
            raise self.error(
                f"{token} is a {self._all[token]} and a {what}", token, "choose another name"
            )
        self._check_free(token, what)
        if len(known) == most:
            raise self.error(
                f"{token} is one {what} too many: there are at most {most}",
                token,
                f"the {what}s so far are {listing(known, 'and')}",
            )
        known.append(str(token))
        self._all[str(token)] = what

    def _check_free(self, token: Token, what: str) -> None:
        if token in RESERVED or is_register(token):
            meaning = "a register" if is_register(token) else "a word of the language"
            raise self.error(
                f"{token} can't name a {what}: it is {meaning}", token, "choose another name"
            )

    def _collect_tasks(self) -> None:
        for block in self.blocks:
            if block.kind not in KINDS:
                raise self.error(
                    f"{block.kind} is no kind of task",
                    block.kind,
                    did_you_mean(block.kind, KINDS) or f"a task is a {listing(KINDS)}",
                )
            if block.name in self.kinds:
                raise self.error(
                    f"there are two tasks {block.name}", block.name, "choose another name"
                )
            self._check_free(block.name, "task")
            if len(self.kinds) == MAX_TASKS:
                raise self.error(
                    f"{block.name} is one task too many: there are at most {MAX_TASKS}", block.name
                )
            self.kinds[str(block.name)] = cast(Kind, str(block.kind))
            self._all[str(block.name)] = str(block.kind)
            if list(self.kinds.values()).count("process") > MAX_PROCESSES:
                raise self.error(
                    f"{block.name} is one process too many: there are at most {MAX_PROCESSES}",
                    block.name,
                    "a thread shares the address space of the task that clones it",
                )
            if len(block.sentences) > MAX_STATEMENTS:
                raise self.error(
                    f"{block.name} has {len(block.sentences)} statements; "
                    f"at most {MAX_STATEMENTS} are allowed",
                    block.sentences[MAX_STATEMENTS].token,
                    "a shorter program has fewer interleavings and a clearer trace",
                )
        if not self.blocks:
            line = self.source.split()[2]
            raise self.source.error(
                "there is no task", line, 1, "write process P { ... } after the header"
            )

    def _collect_names(self) -> None:
        """Pages, pins, pipes and registers, wherever a statement gives or sets one."""
        for block in self.blocks:
            sets = self._sets.setdefault(str(block.name), set())
            for sentence in block.sentences:
                targets = sentence.targets
                if isinstance(targets, RawPlace):
                    continue
                sets.update(str(t.token) for t in targets if is_register(t.token))
                if not isinstance(sentence.value, RawCall):
                    continue
                if sentence.value.token == "exit":
                    self.exiting.add(str(block.name))
                verb = VERBS.get(sentence.value.token)
                if verb is not None and not verb.spelling:
                    self._collect_call(verb, targets, sentence.value)

    def _collect_call(self, verb: Verb, targets: tuple[RawName, ...], call: RawCall) -> None:
        named = verb.named
        fresh = [t.token for t in targets if not is_register(t.token)]
        if named is not None and named.shape in ("pin", "mirror"):
            known, most = (
                (self.pins, MAX_PINS) if named.shape == "pin" else (self.mirrors, MAX_MIRRORS)
            )
            for token in fresh:
                if self._all.get(token) == named.shape:
                    raise self.error(
                        f"{named.shape} {token} is taken twice",
                        token,
                        f"give each {named.shape} a name of its own",
                    )
                self._define(token, named.shape, known, most)
        elif named is not None:
            if not fresh and named.side == "either" and call.args:
                words = {word for group in WORDS.values() for word in group}
                fresh = [token for token in ends(call.args[0]) if token not in words]
            for token in fresh:
                self._define(token, "page", self.pages, MAX_PAGES)
        left = any(not is_register(t.token) for t in targets)
        slots = [slot for slot in verb.text_slots if not (left and slot is named)]
        for slot, arg in zip(slots, call.args, strict=False):
            if slot.shape == "pipe" and isinstance(arg, RawName):
                self._define(arg.token, "pipe", self.pipes, MAX_PIPES)
            if slot.shape == "file" and verb.name == "mmap_file" and isinstance(arg, RawName):
                self._define(arg.token, "file", self.files, MAX_FILES)

    def _collect_parents(self) -> None:
        """Who forks or clones whom."""
        for block in self.blocks:
            for sentence in block.sentences:
                call = sentence.value
                if not isinstance(call, RawCall) or call.token not in ("fork", "clone"):
                    continue
                if len(call.args) != 1 or not isinstance(call.args[0], RawName):
                    continue  # statements.py says what is wrong
                child = call.args[0].token
                wanted: Kind = "process" if call.token == "fork" else "thread"
                self.task(child, wanted)
                if child in self.parents:
                    past = "forked" if call.token == "fork" else "cloned"
                    raise self.error(
                        f"{child} is {past} twice",
                        child,
                        f"each {wanted} starts once; write a second block for a second one",
                    )
                self.parents[str(child)] = str(block.name)

    def _check_starts(self) -> None:
        """Every task must come to life: from the start, or by one that does."""
        for block in self.blocks:
            if self.kinds[block.name] == "thread" and block.name not in self.parents:
                raise self.error(
                    f"nobody clones thread {block.name}",
                    block.name,
                    f"write clone({block.name}) in the process that it belongs to",
                )
            chain = [str(block.name)]
            while chain[-1] in self.parents:
                parent = self.parents[chain[-1]]
                if parent in chain:
                    raise self.error(
                        f"{block.name} never starts: {' <- '.join([*chain, parent])}",
                        block.name,
                        "a task that somebody forks or clones waits for that; break the circle",
                    )
                chain.append(parent)

    def space(self, task: str) -> str:
        """The process whose address space a task runs in."""
        while self.kinds[task] == "thread":
            task = self.parents[task]
        return task

    def _check_pages(self) -> None:
        """In one address space, each name is given to one mapping; names given together adjoin."""
        given: set[tuple[str, str]] = set()
        for block in self.blocks:
            if block.kind == "device":
                continue
            for sentence in block.sentences:
                call, targets = sentence.value, sentence.targets
                if not isinstance(call, RawCall) or isinstance(targets, RawPlace):
                    continue
                tokens = [t.token for t in targets if self._all.get(t.token) == "page"]
                for token in tokens:
                    key = (self.space(block.name), str(token))
                    if key in given:
                        hint = f"write mmap({token}, ...) to map over {token} again"
                        if call.token == "mremap":
                            hint = "pages move to a name that is new in this address space"
                        raise self.error(f"page {token} is mapped twice", token, hint)
                    given.add(key)
                for left, right in pairwise(tokens):
                    if self.pages.index(right) != self.pages.index(left) + 1:
                        raise self.error(
                            f"{right} does not lie behind {left}",
                            right,
                            f"the text maps the pages in the order {', '.join(self.pages)}",
                        )

    # Looking up the words of a statement or a condition.

    def page(self, token: Token) -> str:
        """The name of a page that somebody maps."""
        self._expect(token, "page", self.pages, f"page {token} is never mapped")
        return str(token)

    def pin(self, token: Token) -> str:
        """The name of a pin that somebody takes."""
        self._expect(token, "pin", self.pins, f"pin {token} is never taken")
        return str(token)

    def pipe(self, token: Token) -> str:
        """The name of a pipe that somebody puts a page into."""
        self._expect(token, "pipe", self.pipes, f"nobody puts a page into pipe {token}")
        return str(token)

    def mirror(self, token: Token) -> str:
        """The name of a mirror that somebody makes."""
        self._expect(token, "mirror", self.mirrors, f"nobody makes mirror {token}")
        return str(token)

    def file(self, token: Token) -> str:
        """The name of a file that somebody maps."""
        self._expect(token, "file", self.files, f"nobody maps file {token}")
        return str(token)

    def task(self, token: Token, wanted: Kind | None = None) -> str:
        """The name of a task, of the wanted kind if there is one."""
        if token not in self.kinds:
            known = listing(self.kinds, "and")
            raise self.error(
                f"there is no task {token}",
                token,
                did_you_mean(token, self.kinds) or f"the tasks are {known}",
            )
        kind = self.kinds[token]
        if wanted not in (None, kind):
            hints = {
                "device": "a device is there from the start and has no memory of its own",
                "thread": f"clone({token}) starts it; its memory is that of its process",
                "process": f"fork({token}) starts it, in an address space of its own",
            }
            raise self.error(f"{token} is a {kind}, not a {wanted}", token, hints[kind])
        return str(token)

    def _expect(self, token: Token, what: str, known: list[str], missing: str) -> None:
        """`token` must name a page, pin, pipe, mirror."""
        found = self._all.get(token)
        if found == what:
            return
        if found is not None:
            hint = f"the {what}s are {listing(known, 'and')}" if known else ""
            raise self.error(f"{token} is a {found}, not a {what}", token, hint)
        hint = did_you_mean(token, known)
        if not hint and what == "page":
            hint = f"map it first: {token} = mmap(anon, private, rw)"
        elif not hint and what == "pin":
            hint = f"take it first: {token} = pin(A, write)"
        elif not hint and what == "mirror":
            hint = f"make it first: {token} = mirror(kvm)"
        elif not hint and what == "file":
            hint = f"map it first: A = mmap_file({token}, regular, shared, rw)"
        elif not hint:
            hint = f"put a page into it first: vmsplice(A, {token})"
        raise self.error(missing, token, hint)

    def cell(self, token: Token) -> int:
        """The index of a cell, 0 to 3."""
        value = number(token)
        if not 0 <= value < CELLS:
            raise self.error(
                f"there is no cell {short(token)}", token, f"a page has cells 0 to {CELLS - 1}"
            )
        return value

    def offset(self, token: Token) -> int:
        """The index of a cell of a file."""
        value = number(token)
        if not 0 <= value < CELLS * MAX_FILE_PAGES:
            raise self.error(
                f"no file has a cell {short(token)}",
                token,
                f"a file has at most {MAX_FILE_PAGES} pages of {CELLS} cells",
            )
        return value

    def value(self, token: Token) -> int:
        """A number that fits in a cell."""
        value = number(token)
        if not 0 <= value <= MAX_VALUE:
            raise self.error(
                f"{short(token)} does not fit in a cell",
                token,
                f"values are 0 to {MAX_VALUE}; a register with an error equals its name: EFAULT",
            )
        return value

    def register(self, task: str, token: Token) -> Register:
        """A register of a task, to be set."""
        if token not in REGISTERS:
            raise self.error(f"{short(token)} is no register", token, "registers are r0 to r7")
        return Register(task, str(token))

    def register_read(self, task: str, token: Token) -> Register:
        """A register that the task sets somewhere."""
        register = self.register(task, token)
        known = sorted(self._sets[task])
        if token not in known:
            raise self.error(
                f"{task} never sets {token}",
                token,
                f"{task} sets {listing(known, 'and')}" if known else f"{task} sets no register",
            )
        return register


def is_register(word: str) -> bool:
    """Whether a word looks like a register; r8 does, and is none."""
    return re.fullmatch(r"r[0-9]+", word) is not None


def number(token: Token) -> int:
    """The value of a number; a huge one is cut short, so as not to be a burden."""
    return int(token[:9])


def short(word: str) -> str:
    """A word of the text for a message."""
    return word if len(word) <= 20 else word[:17] + "..."


def ends(arg: RawArg) -> list[Token]:
    """The pages that an argument names: `A`, or the two ends of `A..B`."""
    if isinstance(arg, RawSpan):
        return [arg.token, arg.last]
    return [arg.token] if isinstance(arg, RawName) else []
