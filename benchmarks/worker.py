"""One search in a process of its own: `python -m benchmarks.worker pagefault zap-four 1`.

Prints one JSON object: states, transitions, seconds of the search alone, and the growth of the
process meanwhile. What has to be compiled is compiled before the clock starts.
"""

from __future__ import annotations

import importlib
import inspect
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
CHUNK = 1 << 20

State = tuple[int, ...]
Report = dict[str, int | float | None]
Run = Callable[[], Report]


def takes_cores() -> bool:
    """Whether pagefault's search can use several cores."""
    from pagefault.explore.search import explore

    return "cores" in inspect.signature(explore).parameters


def pagefault(instance: str, cores: int) -> Run:
    """pagefault: a toy, or a program under mainline at grain step."""
    from benchmarks.toys.core import TOYS

    return _toy(instance) if instance in TOYS else _program(instance, cores)


def _toy(toy: str) -> Run:
    """The one place where the core is called on a toy."""
    from benchmarks.toys.core import prepare

    search = prepare(toy)

    def run() -> Report:
        while not search.chunk(CHUNK):
            pass
        found = search.found()
        return {
            "states": search.states,
            "transitions": found.transitions,
            "vector": -(-found.key_bits // 8),
        }

    return run


def _program(instance: str, cores: int) -> Run:
    """The one place where the core is called on a program: as `pagefault explore` does."""
    from pagefault.explore.search import Budget, explore
    from pagefault.lang import load
    from pagefault.link import link

    kernel = link("mainline")
    options: dict[str, Any] = {"engine": "compiled"} | ({"cores": cores} if takes_cores() else {})
    budget = Budget(states=None, seconds=None, megabytes=None)
    # A smaller program with the same paths loads the compiled functions and the core.
    explore(kernel, load(PROGRAMS / "zap-two.litmus"), "step", budget, **options)
    program = load(PROGRAMS / f"{instance}.litmus")

    def run() -> Report:
        result = explore(kernel, program, "step", budget, **options)
        if result.breaches or result.unknown_reason:
            raise SystemExit(f"{instance}: {[*result.breaches]} {result.unknown_reason}")
        return {"states": result.states, "transitions": result.transitions, "vector": None}

    return run


def successors(instance: str) -> tuple[State, Callable[[State], Iterator[State]]]:
    """The Python successor function of an instance such as zap-three or counters-5."""
    from benchmarks.toys import plain
    from benchmarks.zap.plain import ZapModel
    from benchmarks.zap.program import narrow
    from pagefault.lang import load

    name, _, number = instance.partition("-")
    if name == "counters":
        return plain.counters(int(number))
    if name == "philosophers":
        return plain.philosophers(int(number))
    model = ZapModel(narrow(load(PROGRAMS / f"{instance}.litmus")))
    return model.initial, model.successors


def minicheck(instance: str, _cores: int) -> Run:
    """minicheck, on the successor function. It tells no number of transitions, so we count."""
    package = importlib.import_module("minicheck")  # has no types
    initial, follow = successors(instance)
    transitions = 0

    def steps(state: State) -> list[tuple[str, State]]:
        nonlocal transitions
        found = [("", successor) for successor in follow(state)]
        transitions += len(found)
        return found

    protocol = package.Protocol(
        name=instance,
        candidate=False,
        fields=tuple(f"f{i}" for i in range(len(initial))),
        initial=initial,
        transitions=steps,
        invariants={},
    )

    def run() -> Report:
        result = package.check_safety(protocol, max_states=1 << 30)
        states = result["reachable_states"]
        return {"states": states, "transitions": transitions, "vector": None}

    return run


def peak() -> int:
    """The largest size that this process had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def size() -> int:
    """What this process has in memory now, in bytes."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def main() -> None:
    """Run what the arguments say."""
    tool, instance, cores = sys.argv[1], sys.argv[2], int(sys.argv[3])
    run = {"pagefault": pagefault, "minicheck": minicheck}[tool](instance, cores)
    before = size()
    started = time.perf_counter()
    report = run()
    report["seconds"] = time.perf_counter() - started
    report["grown"] = max(0, peak() - before)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
