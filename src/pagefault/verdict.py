"""The words for an answer, as the memory-model tools use them (herd7, LKMM)."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["GRAINS", "Verdict", "verdict_of"]

GRAINS = ("op", "step")
"""How often the world may change: after each statement, or at each switch point."""


class Verdict(StrEnum):
    """Whether the final states of a program satisfy its condition."""

    NEVER = "Never"
    SOMETIMES = "Sometimes"
    ALWAYS = "Always"
    UNKNOWN = "Unknown"


def verdict_of(positive: int, negative: int, complete: bool) -> Verdict:
    """The verdict for counted final states that satisfy a condition and that do not.

    A search that stopped early (`complete` false) can still prove Sometimes, and nothing else.
    A complete search without a final state (every schedule deadlocks) says Never.
    """
    if positive and negative:
        return Verdict.SOMETIMES
    if not complete:
        return Verdict.UNKNOWN
    return Verdict.ALWAYS if positive else Verdict.NEVER
