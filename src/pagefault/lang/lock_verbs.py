"""The verbs about memory that stays in memory: entries for verbs.py."""

from __future__ import annotations

from pagefault.lang.slots import Slot, Verb

__all__ = ["LOCK_VERBS"]

_PAGES = Slot("pages", "A")

LOCK_VERBS = (
    Verb(
        "memlock",
        (Slot("number", "2"),),
        "status",
        "limits how many pages this process, and what it forks, may lock",
        "setrlimit(2), RLIMIT_MEMLOCK, without CAP_IPC_LOCK",
        ("memlock(2)",),
    ),
    Verb(
        "mlock",
        (_PAGES, Slot("words", group="lock", optional=("onfault",))),
        "status",
        "makes pages present, and keeps them so; droppable ones are made present only",
        "mlock(2), mlock2(2)",
        ("mlock(A)", "r0 = mlock(A..B, onfault)"),
    ),
    Verb(
        "mlockall",
        (Slot("words", group="lock", optional=("current", "future", "onfault")),),
        "status",
        "mlock() of all pages that there are, or that are mapped from now on, or both",
        "mlockall(2)",
        ("mlockall(future)", "r0 = mlockall(current, future, onfault)"),
    ),
    Verb(
        "munlockall",
        (),
        "status",
        "munlock() of all pages, and an end to mlockall(future)",
        "munlockall(2)",
        ("munlockall()",),
    ),
    Verb(
        "munlock",
        (_PAGES,),
        "status",
        "lets pages go to swap again",
        "munlock(2)",
        ("munlock(A)", "r0 = munlock(A..B)"),
    ),
)
