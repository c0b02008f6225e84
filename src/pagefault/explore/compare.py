"""Does a result agree with what the litmus file claims?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pagefault.explore.paths import Result, Trace
from pagefault.lang.program import Expectation
from pagefault.verdict import Verdict

__all__ = ["Surprise", "compare"]


@dataclass(frozen=True)
class Surprise:
    """One way in which a result contradicts a claim, and the trace that shows it if there is one.

    `kind` is "verdict", "breaks" (a property that the claim does not list), "holds" (one that it
    lists) or "bug" (the model met an impossible situation).
    """

    kind: str
    sentence: str
    trace: Trace | None = None


def compare(
    result: Result,
    claim: Expectation | None,
    judged: Collection[str] | None = None,
) -> list[Surprise]:
    """What of `result` contradicts `claim`; without a claim only a bug of the model does.

    `judged` restricts the comparison to these properties. What an unfinished search could not see
    is no surprise.
    """
    surprises = [_bug(name, result.breaches[name]) for name in result.bugs]
    if claim is None:
        return surprises
    if result.verdict not in (claim.verdict, Verdict.UNKNOWN):
        surprises.append(_verdict(result, claim))
    for name in result.breaches:
        if name not in claim.breaks and name not in result.bugs:
            trace = result.breaches[name]
            surprises.append(Surprise("breaks", f"breaks {name}: {trace.sentence}", trace))
    if result.complete:
        surprises += [
            Surprise("holds", f"claimed to break {name}, and does not")
            for name in claim.breaks
            if name not in result.breaches and (judged is None or name in judged)
        ]
    return surprises


def _bug(name: str, trace: Trace) -> Surprise:
    return Surprise("bug", f"{name} ({trace.detail})" if trace.detail else name, trace)


def _verdict(result: Result, claim: Expectation) -> Surprise:
    if claim.verdict == Verdict.NEVER or result.counterexample is None:
        trace = result.witness
    else:
        trace = result.counterexample
    found = f"{result.verdict} {result.positive} {result.negative}"
    why = _WHY.get(result.verdict, "")
    return Surprise("verdict", f"claimed {claim.verdict}, found {found}{why}", trace)


_WHY = {
    Verdict.NEVER: ": no schedule ends in a state that satisfies the condition",
    Verdict.ALWAYS: ": every schedule ends in a state that satisfies the condition",
}
