"""What a verb is, and what it takes: the classes of the entries in verbs.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pagefault.lang.words import WORDS

__all__ = [
    "CELL",
    "FILE",
    "FILE_CELL",
    "MIRROR",
    "PAGE",
    "PAGES",
    "VALUE",
    "Returns",
    "Shape",
    "Side",
    "Slot",
    "Verb",
]

Shape: TypeAlias = Literal[
    "pages",  # A or A..B
    "page",  # A
    "cell",  # A[2]
    "value",  # 5 or r0
    "pin",  # h
    "pin_cell",  # h[2]; h is h[0]
    "pipe",  # p: a page goes into it
    "pipe_cell",  # p[2]; p is p[0]
    "mirror",  # m: a device or guest that follows an address space
    "child",  # a process that starts here
    "thread",  # a thread that starts here
    "waited",  # a process that this task forks
    "file",  # f
    "file_cell",  # f[5]: cell 1 of the file's page 1
    "number",  # 2
    "process",  # any process
    "words",  # words of one group, see WORDS
]
Side: TypeAlias = Literal["argument", "result", "either"]
Returns: TypeAlias = Literal["value", "status", "nothing"]

_PRINT_ORDER = tuple(WORDS)


@dataclass(frozen=True)
class Slot:
    """One argument of a verb.

    `side` says where the text has it: in the parentheses, left of the `=`, or either. For the shape
    "words": exactly one of `one_of`, all of `required`, any of `optional`, of the words in `group`;
    `implied` is a word that the text never says: it is added if the verb's pages (side "either")
    stand in the parentheses.
    """

    shape: Shape
    label: str = ""
    side: Side = "argument"
    group: str = ""
    one_of: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    implied: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The words that the text may have here, in the order in which they are printed."""
        allowed = {*self.one_of, *self.required, *self.optional}
        return tuple(word for word in WORDS.get(self.group, ()) if word in allowed)


PAGES = Slot("pages", "A")
PAGE = Slot("page", "A")
CELL = Slot("cell", "A[1]")
VALUE = Slot("value", "5")
FILE = Slot("file", "f")
FILE_CELL = Slot("file_cell", "f[1]")
MIRROR = Slot("mirror", "m")


@dataclass(frozen=True)
class Verb:
    """A statement of the language.

    `slots` are in the order in which the kernel path takes its arguments. In the text, slots with
    words come last. `returns` is what a register gets that the statement is assigned to: data
    ("value"), or 0 or a negative errno ("status"). `call` is what the verb stands for.
    `spelling` is set for the accesses, which are not written as calls.
    """

    name: str
    slots: tuple[Slot, ...]
    returns: Returns
    help: str
    call: str
    examples: tuple[str, ...]
    in_device: bool = False
    spelling: str = ""

    @property
    def text_slots(self) -> tuple[Slot, ...]:
        """The slots of the parentheses that are not words, in the order of the text."""
        return tuple(s for s in self.slots if s.shape != "words" and s.side != "result")

    @property
    def word_slots(self) -> tuple[Slot, ...]:
        """The slots with words, in the order in which the text has them."""
        found = [s for s in self.slots if s.shape == "words"]
        return tuple(sorted(found, key=lambda slot: _PRINT_ORDER.index(slot.group)))

    @property
    def named(self) -> Slot | None:
        """The slot that stands left of the `=`, or may stand there; None if there is none."""
        return next((s for s in self.slots if s.side != "argument"), None)

    def usages(self) -> tuple[str, ...]:
        """How it is written, for a hint and for the table: `h = pin(A, read|write[, slow])`."""
        if self.spelling:
            return (self.spelling,)
        words = "".join(_words_usage(slot) for slot in self.word_slots)
        plain = [s.label for s in self.text_slots if s.side == "argument"]
        named = self.named
        if named is None:
            left = "r0 = " if self.returns == "value" else ""
            return (f"{left}{self.name}({(', '.join(plain) + words).removeprefix(', ')})",)
        result = f"{named.label} = {self.name}({(', '.join(plain) + words).removeprefix(', ')})"
        if named.side == "result":
            return (result,)
        return (result, f"{self.name}({', '.join([named.label, *plain])}{words})")


def _words_usage(slot: Slot) -> str:
    text = "".join(f", {word}" for word in slot.words if word in slot.required)
    if slot.one_of:
        text += ", " + "|".join(slot.one_of)
    return text + "".join(f"[, {word}]" for word in slot.words if word in slot.optional)
