"""The checkers: what each needs, how its model is built, run and read."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from benchmarks.worker import PROGRAMS, takes_cores
from benchmarks.zap.harmony import harmony
from benchmarks.zap.murphi import murphi
from benchmarks.zap.program import Zap, narrow
from benchmarks.zap.promela import promela
from pagefault.lang import load

__all__ = ["Contender", "Figures", "ToolError", "contenders"]

TOYS = Path(__file__).parent / "toys"
CC = ("gcc", "-O3", "-march=native", "-w")


class ToolError(Exception):
    """A checker did not do what was asked."""


@dataclass(frozen=True)
class Figures:
    """What one run showed. `grown`: bytes that the search itself took; `vector`: bytes of one state
    as the checker stores it, by its own account. `exact`: the same states and steps as pagefault.
    """

    states: int
    transitions: int
    seconds: float
    peak: int
    grown: int
    vector: int | None = None
    exact: bool = True


@dataclass(frozen=True)
class Ran:
    """A process that has ended."""

    output: str
    seconds: float
    peak: int


def run(command: list[str], folder: Path, cores: int = 1) -> Ran:
    """Run a process on the first `cores` CPUs that this one may use."""
    cpus = sorted(os.sched_getaffinity(0))[:cores]
    started = time.perf_counter()
    with subprocess.Popen(
        ["taskset", "-c", ",".join(map(str, cpus)), *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise ToolError(f"{command[0]} ended with {process.returncode}:\n{output[-2000:]}")
    return Ran(output, seconds, usage.ru_maxrss * 1024)


def build(command: list[str], folder: Path) -> None:
    """Run a step of building."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise ToolError(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def number(pattern: str, output: str) -> int:
    """The last number that a checker prints in such a place."""
    found = re.findall(pattern, output)
    if not found:
        raise ToolError(f"no `{pattern}` in:\n{output[-2000:]}")
    return int(found[-1])


class Contender(ABC):
    """A checker. `needs`: programs and Python packages; `instances`: what it runs of a model, if
    that is not the model itself but a smaller one."""

    name: str
    needs: ClassVar[tuple[str, ...]] = ()
    packages: ClassVar[tuple[str, ...]] = ()
    instances: ClassVar[dict[str, str]] = {}

    def missing(self) -> list[str]:
        """What is not installed."""
        programs = [f"the program {p}" for p in self.needs if shutil.which(p) is None]
        return programs + [
            f"the Python package {p.partition('=')[0]}"
            for p in self.packages
            if importlib.util.find_spec(p.partition("=")[2] or p) is None
        ]

    def instance(self, model: str) -> str:
        """The instance of a model that this checker runs."""
        return self.instances.get(model, model)

    @abstractmethod
    def prepare(self, instance: str, folder: Path) -> Callable[[], Figures]:
        """Build in an empty folder. Returns what runs the search once."""


def text_of(instance: str, suffix: str, translate: Callable[[Zap], str]) -> str:
    """The model in a checker's language: a toy's file, or a program translated."""
    toy = TOYS / f"{instance}.{suffix}"
    if toy.exists():
        return toy.read_text()
    return translate(narrow(load(PROGRAMS / f"{instance}.litmus")))


class Pagefault(Contender):
    """This package."""

    def __init__(self, cores: int = 1) -> None:
        self.cores = cores
        self.name = "pagefault" if cores == 1 else f"pagefault, {cores} cores"

    def missing(self) -> list[str]:
        """Cores, or a search that uses them."""
        if self.cores > 1 and not takes_cores():
            return ["a search on several cores"]
        return [] if len(os.sched_getaffinity(0)) >= self.cores else [f"{self.cores} cores"]

    def prepare(self, instance: str, folder: Path) -> Callable[[], Figures]:
        """The first run compiles what is not in the cache."""
        command = [sys.executable, "-m", "benchmarks.worker", "pagefault", instance]
        command.append(str(self.cores))
        here = Path(__file__).parent.parent

        def once() -> Figures:
            return _worker(run(command, here, self.cores))

        once()
        return once


class Minicheck(Contender):
    """minicheck: breadth first in pure Python, for small models."""

    name = "minicheck"
    packages = ("minicheck",)
    instances: ClassVar[dict[str, str]] = {
        "zap-four": "zap-three",
        "counters": "counters-5",
        "philosophers": "philosophers-12",
    }

    def prepare(self, instance: str, folder: Path) -> Callable[[], Figures]:
        """Nothing to build."""
        command = [sys.executable, "-m", "benchmarks.worker", "minicheck", instance, "1"]
        here = Path(__file__).parent.parent
        return lambda: _worker(run(command, here))


def _worker(ran: Ran) -> Figures:
    report = json.loads(ran.output.strip().splitlines()[-1])
    return Figures(
        states=report["states"],
        transitions=report["transitions"],
        seconds=report["seconds"],
        peak=ran.peak,
        grown=report["grown"],
        vector=report["vector"],
    )


class Spin(Contender):
    """Spin's pan, breadth or depth first, without partial-order reduction."""

    needs = ("spin", "gcc", "taskset")
    FLAGS = (
        *("-DSAFETY", "-DNOREDUCE", "-DNOBOUNDCHECK", "-DNOFAIR", "-DMEMLIM=16000"),
        # The vector is packed by hand and its size is constant.
        *("-DNOCOMP", "-DNOVSZ"),
    )

    def __init__(self, search: str) -> None:
        self.name = f"Spin {search}"
        self.flags = (*self.FLAGS, "-DBFS") if search == "BFS" else self.FLAGS

    def prepare(self, instance: str, folder: Path) -> Callable[[], Figures]:
        """-o2: registers that nobody reads stay in the state, as they do in pagefault's."""
        (folder / "model.pml").write_text(text_of(instance, "pml", promela))
        build(["spin", "-o2", "-a", "model.pml"], folder)
        build([*CC, *self.flags, "-o", "pan", "pan.c"], folder)
        # 2^22 slots of the hash table are about four for each state of the largest model here.
        # The stack of a depth-first search is memory to fill: no deeper than a model is.
        depth = 1_100_000 if instance == "philosophers" else 10_000
        command = [str(folder / "pan"), "-n", "-w22", f"-m{depth}"]

        def once() -> Figures:
            ran = run(command, folder)
            if number(r"errors: (\d+)", ran.output) or "max search depth" in ran.output:
                raise ToolError(ran.output)
            return Figures(
                states=number(r"(\d+) states, stored", ran.output),
                # pan counts the arrival in the initial state as well.
                transitions=number(r"(\d+) transitions", ran.output) - 1,
                seconds=ran.seconds,
                peak=ran.peak,
                grown=ran.peak,
                vector=number(r"State-vector (\d+) byte", ran.output),
            )

        return once


class Rumur(Contender):
    """rumur, a Murphi: breadth first."""

    name = "rumur"
    needs = ("rumur", "gcc", "taskset")
    OPTIONS = (
        *("--threads", "1", "--color", "off", "--counterexample-trace", "off"),
        *("--deadlock-detection", "off", "--set-capacity", str(256 << 20)),
    )

    def prepare(self, instance: str, folder: Path) -> Callable[[], Figures]:
        """The set is made large enough not to grow."""
        (folder / "model.m").write_text(text_of(instance, "m", murphi))
        build(["rumur", *self.OPTIONS, "--output", "model.c", "model.m"], folder)
        build([*CC, "-std=c11", "-mcx16", "-o", "model", "model.c", "-lpthread"], folder)
        command = [str(folder / "model")]

        def once() -> Figures:
            ran = run(command, folder)
            return Figures(
                states=number(r"(\d+) states, \d+ rules fired", ran.output),
                transitions=number(r"(\d+) rules fired", ran.output),
                seconds=ran.seconds,
                peak=ran.peak,
                grown=ran.peak,
                vector=number(r"rounded up to (\d+) bytes", ran.output),
            )

        return once


class Harmony(Contender):
    """Harmony: breadth first over states of its own virtual machine."""

    name = "Harmony"
    needs = ("taskset",)
    packages = ("harmony=harmony_model_checker",)
    constants: ClassVar[dict[str, int]] = {"counters": 5, "philosophers": 10}
    instances: ClassVar[dict[str, str]] = {m: f"{m}-{n}" for m, n in constants.items()}

    def prepare(self, instance: str, folder: Path) -> Callable[[], Figures]:
        """Its first two phases compile; the third is the search, and says how long it took."""
        model, _, n = instance.partition("-")
        toy = model in self.constants
        (folder / "model.hny").write_text(text_of(model if toy else instance, "hny", harmony))
        command = [str(Path(sys.executable).parent / "harmony"), "--noweb", "--quick", "-R", "-W"]
        command += ["-w", "1", "-U", *(("-c", f"N={n}") if toy else ()), "model.hny"]

        def once() -> Figures:
            ran = run(command, folder)
            return Figures(
                states=number(r"(\d+) states \(time", ran.output),
                transitions=number(r"\d+/(\d+) computations/edges", ran.output),
                seconds=float(re.findall(r"states \(time ([\d.]+)s", ran.output)[-1]),
                peak=ran.peak,
                grown=ran.peak,
                exact=False,
            )

        return once


def contenders() -> list[Contender]:
    """All of them, in the order of the table."""
    return [
        *(Pagefault(1), Pagefault(2), Spin("BFS"), Spin("DFS"), Rumur(), Harmony()),
        Minicheck(),
    ]
