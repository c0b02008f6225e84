"""Litmus programs made by dice, for tests of the model and of the search.

Any seed gives a program that means something: valid by construction, the same on every Python. A
verb joins by itself as soon as it stands in verbs.py, if its arguments have shapes that are known.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from pagefault.lang.parse import parse
from pagefault.lang.program import Kind, Program
from pagefault.lang.verbs import VERBS, Slot, Verb

__all__ = ["THEMES", "generate"]

T = TypeVar("T")

MAX_STATEMENTS, MAX_TASKS, MAX_PROCESSES, MAX_CPUS, MAX_PAGES, MAX_PINS = 16, 6, 4, 4, 8, 4
MAX_MIRRORS = 2
CELLS = 2
"""Few cells and values meet more often than many."""
VALUES = 5
THEMES: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "pins": (
            ("pin", "o_direct"),
            (
                *("mprotect", "clear_refs", "uffd_wp", "numa_hint", "madvise:pageout", "reclaim"),
                *("dma_write", "unpin", "munmap", "mremap", "proc_mem_write"),
            ),
        ),
        "references": (
            ("vmsplice",),
            (
                "munmap",
                "read",
                "exit",
                "mprotect",
                "madvise:pageout",
                "madvise:dontneed",
                "reclaim",
            ),
        ),
        "tlb": (
            ("mprotect", "munmap", "mremap", "clear_refs", "uffd_wp", "numa_hint", "reclaim"),
            ("madvise:dontneed", "madvise:pageout", "mmap", "proc_mem_write", "uffd_unprotect"),
        ),
        "tracking": (
            ("clear_refs", "uffd_wp", "uffd_move", "uffd_copy"),
            (
                *("mprotect", "mremap", "madvise:dontneed", "madvise:pageout", "numa_hint"),
                *("uffd_unprotect", "pagemap:soft_dirty", "pin", "uffd_register:wp"),
            ),
        ),
        "swap": (
            ("madvise:pageout", "reclaim"),
            (
                *("pin", "o_direct", "dma_write", "vmsplice", "read", "munmap", "mprotect"),
                *("mremap", "uffd_move", "uffd_wp", "clear_refs", "madvise:dontneed"),
            ),
        ),
        "mirrors": (
            ("mirror_read", "mirror_write"),
            ("mprotect", "munmap", "mremap", "madvise:dontneed", "mirror_has", "mirror_drop"),
        ),
    }
)
"""What meets in one sort of bug, in two groups: a program has one verb of the first at least.
`madvise:pageout` is the verb with this word only."""
NEEDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("dma_read", "dma_write", "unpin"), "pin"),
        **dict.fromkeys(("uffd_wp", "uffd_unprotect"), "uffd_register:wp"),
        **dict.fromkeys(("uffd_copy", "uffd_move"), "uffd_register:missing"),
        **dict.fromkeys(("mirror_read", "mirror_write", "mirror_has", "mirror_drop"), "mirror"),
        **dict.fromkeys(("enter", "leave"), "mirror:user_map"),
        "read": "vmsplice",
    }
)
"""What does nothing unless another verb came before it."""
SHOWN_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "vmsplice": ("read",),
        "o_direct": ("dma_write", "user_load"),
        "clear_refs": ("user_store", "pagemap"),
    }
)
"""What nobody notices unless others come after it."""
PAGES = "ABCD"
PIPE = "pipe"
NO_FILES = {"file", "file_cell", "number"}
"""Shapes of arguments that no generated program has."""
ABOUT_FILES = {"munlock", "futex", "look", "emulate", "offline", "dump", "ptrace_peek"}
"""Verbs that tell nothing where there is no exclusive memory, which is a file,"""
LEAVE_MARKS = {"load_text", "poison", "soft_offline", "vmstat"}
"""or that change more of the machine than the pages of a program;"""
ABOUT_DUMPS = {"dontdump", "dodump", "seclude"}
"""and advice."""
OF_HUGE = frozenset({"hugepage", "collapse"})
"""Words that are said only where the pages may be huge,"""
NOT_OF_HUGE = frozenset({"pageout", "free", "cold"})
"""those that are not said there,"""
NOT_HUGE = {
    *("ksm", "migrate", "numa_hint", "reclaim"),
    *(name for name in VERBS if name.startswith("uffd_")),
}
"""and verbs: the model leaves out what they do to huge pages."""
STARTS: dict[str, Kind] = {"child": "process", "thread": "thread"}
"""By shape of the argument: what a verb that takes it starts."""
FILE = """+++
title = "Generated from seed {seed}"
source = "pagefault.lang.generate"
+++
{tasks}exists ({task}:{what} = {value})
"""


class _Dice:
    """Throws that are the same on every Python: of random.Random only random() is."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def below(self, n: int) -> int:
        return int(self._random() * n)

    def one_of(self, things: Sequence[T]) -> T:
        return things[self.below(len(things))]

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent


@dataclass
class _Task:
    name: str
    kind: Kind
    verbs: list[Verb] = field(default_factory=list)
    children: list[_Task] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    registers: list[str] = field(default_factory=list)
    exits: bool = False
    first_wait: int | None = None
    """The line that waits for a child first."""


def generate(
    seed: int,
    *,
    tasks: int = 3,
    statements: int = 4,
    pages: int = 2,
    without: Collection[str] = (),
    verbs: int | None = None,
    theme: str = "",
    huge: bool = False,
) -> Program:
    """A program of at most `tasks` tasks with at most `statements` statements each.

    The first task, a process, has two statements more, which map `pages` pages and store to one;
    and one for each task that it starts. `without` names verbs to leave out. With `verbs` a program
    has loads, stores, and so many other verbs at most, drawn by the seed: few things, but often,
    and so together (swarm testing, Groce et al., ISSTA 2012); of a `theme`, if one is named.
    With `huge` there are four pages, which may be one huge page. ValueError for sizes that the
    language does not have.
    """
    if huge:
        pages, without = len(PAGES), {*without, *NOT_HUGE}
    if not (1 <= tasks <= MAX_TASKS and 1 <= pages <= len(PAGES)):
        raise ValueError(f"1 to {MAX_TASKS} tasks and 1 to {len(PAGES)} pages")
    if not 0 <= statements <= MAX_STATEMENTS - MAX_TASKS - 2:
        raise ValueError(f"0 to {MAX_STATEMENTS - MAX_TASKS - 2} statements")
    writer = _Writer(_Dice(seed), PAGES[:pages], frozenset(without), huge)
    if verbs is not None:
        writer.draw(verbs, theme)
    return parse(writer.text(seed, tasks, statements))


def _waits(verb: Verb) -> bool:
    """Whether it waits for a child."""
    return any(slot.shape == "waited" for slot in verb.slots)


class _Writer:
    """First the tasks and their verbs, then, once it is known what there is, the arguments."""

    def __init__(self, dice: _Dice, pages: str, without: frozenset[str], huge: bool) -> None:
        self.dice = dice
        self.huge = huge
        self.unsaid = NOT_OF_HUGE if huge else OF_HUGE
        self.verbs = [verb for verb in VERBS.values() if self._is_free(verb, without)]
        self.start = {
            STARTS[slot.shape]: verb
            for verb in VERBS.values()
            for slot in verb.slots
            if slot.shape in STARTS and verb.name not in without
        }
        self.pages = list(pages)
        self.mapped = len(pages)
        self.first_pages = list(pages)
        self.pins: list[str] = []
        self.pins_taken = 0
        self.has_pipe = False
        self.mirrors: list[str] = []
        self.mirrors_made = 0
        self.tasks: list[_Task] = []
        self.is_swarm = False
        self.words: dict[str, list[str]] = {}
        """By verb: the words that the theme wants of it."""
        self.first: list[str] = []
        """What others need: most often the first task begins with it."""
        self.last: list[str] = []
        """What shows what others did: most often some task ends with it."""

    def draw(self, number: int, theme: str) -> None:
        """Keep the accesses, so many other verbs, and what these need."""
        self.is_swarm = True
        free = {verb.name: verb for verb in self.verbs}
        groups = THEMES[theme] if theme else (tuple(v for v in free if not free[v].spelling),)
        pool = [[word for word in group if word.partition(":")[0] in free] for group in groups]
        drawn = [self.dice.one_of(pool[0])] if number and pool[0] else []
        rest = [word for group in pool for word in group if word not in drawn]
        while rest and len(drawn) < number:
            drawn.append(rest.pop(self.dice.below(len(rest))))
        self.first = [NEEDS[word] for word in drawn if word in NEEDS and NEEDS[word] not in drawn]
        self.first = [word for word in self.first if word.partition(":")[0] in free]
        self.last = [name for word in drawn for name in SHOWN_BY.get(word, ()) if name in free]
        for word in (*drawn, *self.first):
            verb, _, only = word.partition(":")
            if only:
                self.words.setdefault(verb, []).append(only)
        if "clear_refs" in drawn:
            self.words.setdefault("pagemap", ["soft_dirty"])
        names = {word.partition(":")[0] for word in (*drawn, *self.first, *self.last)}
        self.verbs = [verb for verb in self.verbs if verb.spelling or verb.name in names]

    @staticmethod
    def _is_free(verb: Verb, without: frozenset[str]) -> bool:
        """Whether a task may have it anywhere. What starts a task is put in where one starts."""
        if verb.name in without or (_waits(verb) and "exit" in without):
            return False
        shapes = {slot.shape for slot in verb.slots}
        return verb.name not in ABOUT_FILES | LEAVE_MARKS and not shapes & (NO_FILES | set(STARTS))

    def text(self, seed: int, tasks: int, statements: int) -> str:
        self._choose_tasks(tasks)
        self._choose_verbs(statements)
        first = self.tasks[0]
        first.lines = [
            f"{', '.join(self.pages)} = mmap(anon, private, rw)",
            f"{self.pages[0]}[0] = 1",
        ]
        if self.is_swarm and self.dice.chance(15):  # a page that was never written is another
            first.lines[1] = f"r0 = {self.pages[0]}[0]"
            first.registers.append("r0")
        if self.huge:
            first.lines.insert(1, f"madvise({self.pages[0]}..{self.pages[-1]}, hugepage)")
        for task in self.tasks:
            for verb in task.verbs:
                if _waits(verb) and task.first_wait is None:
                    task.first_wait = len(task.lines)
                task.lines.append(self._statement(task, verb))
        for task in self.tasks:
            self._start_children(task)
        for task in self.tasks:
            if task.exits:
                task.lines.append("exit()")
        seen = [(t.name, r) for t in self.tasks for r in t.registers]
        seen.append((first.name, f"{self.first_pages[0]}[0]"))
        task_name, what = self.dice.one_of(seen)
        blocks = "".join(self._block(n, task) for n, task in enumerate(self.tasks))
        value = self.dice.below(VALUES)
        return FILE.format(seed=seed, tasks=blocks, task=task_name, what=what, value=value)

    def _choose_tasks(self, tasks: int) -> None:
        self.tasks = [_Task("P", "process")]
        while len(self.tasks) < tasks:
            kinds: list[Kind] = [*self.start, "device"]
            if self.is_swarm and self.start and not any(verb.in_device for verb in self.verbs):
                kinds.remove("device")
            if sum(task.kind == "process" for task in self.tasks) == MAX_PROCESSES:
                kinds = [kind for kind in kinds if kind != "process"]
            kind = self.dice.one_of(kinds)
            task = _Task(f"{kind[0].upper()}{len(self.tasks)}", kind)
            if kind != "device":
                able = [parent for parent in self.tasks if parent.kind != "device"]
                self.dice.one_of(able).children.append(task)
            self.tasks.append(task)

    def _choose_verbs(self, statements: int) -> None:
        """For each task; then leave out those that name what nobody makes."""
        for task in self.tasks:
            verbs = [verb for verb in self.verbs if verb.in_device or task.kind != "device"]
            for _ in range(self._length(statements) if verbs else 0):
                task.verbs.append(self._throw(verbs))
        if self.is_swarm:
            self._make_effective()
        self.pins = self._made("pin", "h", MAX_PINS)
        self.mirrors = self._made("mirror", "m", MAX_MIRRORS)
        shapes = {s.shape for task in self.tasks for verb in task.verbs for s in verb.slots}
        self.has_pipe = "pipe" in shapes
        for task in self.tasks:
            task.exits = any(verb.name == "exit" for verb in task.verbs)
        for task in self.tasks:
            task.verbs = [verb for verb in task.verbs if self._makes_sense(task, verb)]
            if any(_waits(verb) for verb in task.verbs):
                for child in task.children:
                    child.exits = child.exits or child.kind == "process"
        self.tasks = [task for task in self.tasks if task.kind != "device" or task.verbs]

    def _length(self, statements: int) -> int:
        if not statements:
            return 0
        least = (statements + 1) // 2 if self.is_swarm else 1
        return least + self.dice.below(statements - least + 1)

    def _make_effective(self) -> None:
        """What others need comes first, and most often somebody stores when all has been done."""
        first = self.tasks[0]
        for word in self.first:
            if self.dice.chance(70):
                first.verbs.insert(0, VERBS[word.partition(":")[0]])
        others = [task for task in self.tasks if task.kind != "device"]
        if self.dice.chance(60):
            self.dice.one_of(others).verbs.append(VERBS["user_store"])
        if self.dice.chance(50):
            self.dice.one_of(others).verbs += [VERBS[name] for name in self.last]

    def _throw(self, verbs: Sequence[Verb]) -> Verb:
        """One of them; in a swarm every third is a store, without which little is seen."""
        if self.is_swarm and self.dice.chance(33):
            return next((verb for verb in verbs if verb.name == "user_store"), verbs[0])
        return self.dice.one_of(verbs)

    def _made(self, shape: str, letter: str, most: int) -> list[str]:
        """Names for what verbs with such a result make; verbs beyond the most are left out."""
        makers = 0
        for task in self.tasks:
            for verb in list(task.verbs):
                if any(slot.shape == shape and slot.side == "result" for slot in verb.slots):
                    makers += 1
                    if makers > most:
                        task.verbs.remove(verb)
        return [f"{letter}{n}" for n in range(1, min(makers, most) + 1)]

    def _makes_sense(self, task: _Task, verb: Verb) -> bool:
        if verb.name == "exit":  # put at the end
            return False
        for slot in verb.slots:
            if slot.shape in ("pin", "pin_cell") and slot.side != "result" and not self.pins:
                return False
            if slot.shape == "mirror" and slot.side != "result" and not self.mirrors:
                return False
            if slot.shape == "pipe_cell" and not self.has_pipe:
                return False
        return not _waits(verb) or bool(self._forked(task))

    def _forked(self, task: _Task) -> list[str]:
        return [child.name for child in task.children if child.kind == "process"]

    def _start_children(self, task: _Task) -> None:
        """At any place, but a parent has mapped its pages, and waits only for who is there."""
        for child in task.children:
            line = f"{self.start[child.kind].name}({child.name})"
            first = 2 if task is self.tasks[0] else 0
            last = len(task.lines) if task.first_wait is None else task.first_wait
            place = self.dice.below(last - first + 1)
            if self.is_swarm:  # whoever starts early meets more of the others' doings
                place = min(place, self.dice.below(last - first + 1))
            task.lines.insert(first + place, line)

    def _block(self, number: int, task: _Task) -> str:
        on = ""
        if task.kind != "device" and len(self.tasks) > MAX_CPUS:
            on = f" on cpu {number % MAX_CPUS}"
        lines = "".join(f"    {line}\n" for line in task.lines)
        return f"{task.kind} {task.name}{on} {{\n{lines}}}\n"

    # --- one statement ----------------------------------------------------------------------------

    def _statement(self, task: _Task, verb: Verb) -> str:
        if verb.spelling:
            place, *value = [self._argument(task, slot) for slot in verb.slots]
            return f"{place} = {value[0]}" if value else f"{self._register(task)} = {place}"
        left, inside = "", []
        named = verb.named
        size = 1
        for slot in verb.text_slots:
            if slot is named:
                continue
            argument = self._argument(task, slot)
            size = 1 + argument.count("..") * (self.mapped - 1)
            inside.append(argument)
        if named is not None:
            new = self._new_name(named, size)
            if new:
                left = f"{new} = "
            elif named.side == "either":
                inside.insert(0, self.dice.one_of(self.first_pages))
            else:  # no page is left to give a name to
                return f"{self.first_pages[0]}[0] = {1 + self.dice.below(VALUES)}"
        elif verb.returns == "value" or (verb.returns == "status" and self.dice.chance(50)):
            left = f"{self._register(task)} = "
        for slot in verb.word_slots:
            inside += self._words(slot, self.words.get(verb.name, ()))
        return f"{left}{verb.name}({', '.join(inside)})"

    def _register(self, task: _Task) -> str:
        register = f"r{self.dice.below(3)}"
        if register not in task.registers:
            task.registers.append(register)
        return register

    def _new_name(self, slot: Slot, size: int) -> str:
        """What stands left of the `=`: a pin, a mirror, or as many new pages as are moved."""
        if slot.shape == "pin":
            self.pins_taken += 1
            return self.pins[self.pins_taken - 1]
        if slot.shape == "mirror":
            self.mirrors_made += 1
            return self.mirrors[self.mirrors_made - 1]
        if slot.side == "either" and self.dice.chance(50):
            return ""
        if len(self.pages) + size > MAX_PAGES:
            return ""
        new = [f"N{len(self.pages) + n}" for n in range(size)]
        self.pages += new
        return ", ".join(new)

    def _words(self, slot: Slot, wanted: Sequence[str]) -> list[str]:
        said = list(slot.required)
        if slot.one_of:
            dull = ABOUT_DUMPS if slot.group == "advice" else set()
            sayable = [w for w in slot.one_of if w not in self.unsaid and w not in dull]
            said.append(self.dice.one_of([w for w in sayable if w in wanted] or sayable))
        return said + [word for word in slot.optional if self.dice.chance(30)]

    def _argument(self, task: _Task, slot: Slot) -> str:
        dice = self.dice
        page = dice.one_of(self.first_pages if dice.chance(80) else self.pages)
        match slot.shape:
            case "pages":
                all_of_them = f"{self.first_pages[0]}..{self.first_pages[-1]}"
                return all_of_them if self.mapped > 1 and dice.chance(25) else page
            case "page":
                return page
            case "cell":
                return f"{page}[{dice.below(CELLS)}]"
            case "value":
                if task.registers and dice.chance(20):
                    return dice.one_of(task.registers)
                return str(1 + dice.below(VALUES))
            case "pin":
                return dice.one_of(self.pins)
            case "pin_cell":
                return f"{dice.one_of(self.pins)}[{dice.below(CELLS)}]"
            case "pipe":
                return PIPE
            case "pipe_cell":
                return f"{PIPE}[{dice.below(CELLS)}]"
            case "mirror":
                return dice.one_of(self.mirrors)
            case "waited":
                return dice.one_of(self._forked(task))
            case "process":
                return dice.one_of([t.name for t in self.tasks if t.kind == "process"])
        raise NotImplementedError(f"{slot.shape}: give it a case here")
