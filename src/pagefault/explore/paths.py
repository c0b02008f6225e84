"""What a search answers: a result, and traces that show it.

A trace is a path through the states: which task moved at each step, through which kernel paths,
and the whole state before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pagefault.lang.program import Program
from pagefault.verdict import Verdict

__all__ = ["Decision", "Result", "Step", "Trace", "Traces", "Visit"]

Leaves = tuple[int, ...]


@dataclass(frozen=True)
class Visit:
    """A kernel path that ran during a step, from its start (label "") or from a switch point.

    `before` is the flat list of the state when it began to run.
    """

    path: str
    label: str
    before: Leaves = field(repr=False)


@dataclass(frozen=True)
class Decision:
    """What a function that the design replaces answered during a step."""

    function: str
    value: int


@dataclass(frozen=True)
class Step:
    """One step of a task.

    `statement` is the position of the litmus statement in the task, `stack` the kernel paths under
    way after the step, outermost first, and `from_label`, `to_label` the switch points that it
    left and reached ("" at a statement's start and end). `returned` is the statement's value if
    this step ended it. `before` and `after` are flat lists of the state (layout.LEAVES).
    """

    task: int
    statement: int
    text: str
    stack: tuple[str, ...]
    from_label: str
    to_label: str
    visits: tuple[Visit, ...]
    decisions: tuple[Decision, ...]
    choices: tuple[int, ...]
    returned: int | None
    before: Leaves = field(repr=False)
    after: Leaves = field(repr=False)


@dataclass(frozen=True)
class Trace:
    """A shortest path to something worth showing: the breach of a property, or a final state.

    `shows` is the name of the broken property, "witness" or "counterexample"; `sentence` says what
    was promised, `detail` what is known beyond that. `initial` is the state before the first step.
    """

    shows: str
    sentence: str
    detail: str
    steps: tuple[Step, ...]
    initial: Leaves = field(repr=False)

    @property
    def last(self) -> Leaves:
        """The state at the end."""
        return self.steps[-1].after if self.steps else self.initial


@dataclass(frozen=True)
class Result:
    """What one program does under one design at one grain.

    `positive` and `negative` count the distinct final states that satisfy the expression of the
    condition and that do not; `depth` is the length of the longest shortest path. `breaches` maps
    each broken property (or "model-bug: NAME") to its shortest trace; a trace is made when it is
    first asked for, and until then the result holds on to the search. `unknown_reason` is set if
    the search ended before it had seen everything. `finals` has the traces of "witness" and
    "counterexample", if there are such states. `stuck` names tasks that some final state leaves
    waiting for ever.

    A search with symmetry counts states that differ only in which of several equal tasks did what
    as one, final states included, and names one of those tasks in `stuck`.
    """

    test: str
    design: str
    grain: str
    verdict: Verdict
    positive: int
    negative: int
    states: int
    transitions: int
    depth: int
    seconds: float
    breaches: Mapping[str, Trace]
    finals: Mapping[str, Trace]
    unknown_reason: str | None
    stuck: tuple[str, ...]
    program: Program = field(repr=False)

    @property
    def witness(self) -> Trace | None:
        """A shortest trace to a final state that satisfies the condition."""
        return self.finals.get("witness")

    @property
    def counterexample(self) -> Trace | None:
        """A shortest trace to a final state that does not satisfy the condition."""
        return self.finals.get("counterexample")

    def without_traces(self) -> Result:
        """The same result with nothing but names for traces: small enough to hand around."""
        names = {name: Trace(name, "", "", (), ()) for name in self.breaches}
        return replace(self, breaches=names, finals={})

    @property
    def complete(self) -> bool:
        """Whether every reachable state was seen."""
        return self.unknown_reason is None

    @property
    def bugs(self) -> tuple[str, ...]:
        """The impossible situations that the model met, "model-bug: NAME" each."""
        return tuple(name for name in self.breaches if name.startswith(MODEL_BUG))


MODEL_BUG = "model-bug: "


class Traces(Mapping[str, Trace]):
    """Traces by what they show, each made when first asked for."""

    def __init__(self, shows: Collection[str], make: Callable[[str], Trace]) -> None:
        self._shows = shows
        self._make = make
        self._made: dict[str, Trace] = {}

    def __getitem__(self, shows: str) -> Trace:
        if shows not in self._shows:
            raise KeyError(shows)
        if shows not in self._made:
            self._made[shows] = self._make(shows)
        return self._made[shows]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shows)

    def __len__(self) -> int:
        return len(self._shows)

    def __repr__(self) -> str:
        return f"<traces: {', '.join(self._shows) or 'none'}>"

    def __reduce__(self) -> tuple[type[dict[str, Trace]], tuple[dict[str, Trace]]]:
        return dict, (dict(self.items()),)
