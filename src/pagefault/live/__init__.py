"""Litmus programs on real kernels: C generation, schedules in, outcomes out.

It imports nothing of the model: a kernel's answer must not lean on the model's.
"""

from pagefault.live.backend import (
    Answers,
    Backend,
    DiedError,
    SkippedError,
    Unanswered,
    run_many,
    run_schedules,
    run_stress,
)
from pagefault.live.emit import c_program, c_programs, refusal
from pagefault.live.host import Host
from pagefault.live.outcome import Histogram, Outcome, Status, final, holds, verdict_of

__all__ = [
    "Answers",
    "Backend",
    "DiedError",
    "Histogram",
    "Host",
    "Outcome",
    "SkippedError",
    "Status",
    "Unanswered",
    "c_program",
    "c_programs",
    "final",
    "holds",
    "refusal",
    "run_many",
    "run_schedules",
    "run_stress",
    "verdict_of",
]
