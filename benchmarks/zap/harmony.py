"""The sub-model as Harmony text. plain.py is the same in Python and explains the names.

Harmony's own notion of a state differs a little: a thread that has been spawned and has not moved
is one, and so is the moment before each choose(). The steps are those of the model.
"""

from __future__ import annotations

from benchmarks.zap.program import Kind, Zap

__all__ = ["harmony"]

_MODEL = """\
ZERO = 1
MAPPED = 2
GATHER = 3
NEW = GATHER + N
FREE = NEW + N
FULL = FREE + N

pte = cell = owed = zapping = 0
table = anon = ptl = False
tlb = aux = gath = reg = [0,] * N
rev = [{},] * N

def drop(cpu):
    tlb[cpu] = 0
    rev[cpu] = {}

def rename(old, new):
    for u in {0..N-1}:
        if tlb[u] == old:
            tlb[u] = new
        if aux[u] == old:
            aux[u] = new

def put(name):
    let found = { u for u in {0..N-1} where aux[u] == name }:
        if found != {}:
            rename(name, FREE + min(found))

def alloc(t):
    let found = { aux[u] for u in {0..N-1} where FREE <= aux[u] < FULL }:
        if found != {}:
            rename(min(found), NEW + t)

def map_new(t):
    rename(NEW + t, MAPPED)
    pte = MAPPED

def touch(t, write, value, entry):
    if write:
        if entry == MAPPED:
            cell = value
        else:
            gath[entry - GATHER] = value + 1
        if zapping == 0:
            owed = value
    else:
        var seen = 0
        if entry == MAPPED:
            seen = cell
        elif entry > MAPPED:
            seen = gath[entry - GATHER] - 1
        assert (owed == 0) or (owed == seen)
        reg[t] = seen

def others(t, here):
    result = { c for c in {0..N-1} where (c != t) and (c > here) and (tlb[c] != 0) }

def fault(t, write):
    var present = False
    var todo = {}
    atomically:
        present = pte != 0
        if present:
            aux[t] = pte
        else:
            table = True
            if write:
                anon = True
                alloc(t)
    if not present:
        atomically when not ptl:
            if not write:
                if pte == 0:
                    pte = ZERO
            elif pte == 0:
                map_new(t)
            else:
                put(NEW + t)
    else:
        var copy = False
        atomically when not ptl:
            copy = write and (aux[t] == ZERO) and (pte == ZERO)
            let orig = aux[t]:
                aux[t] = 0
                if orig == (FREE + t):
                    put(orig)
        if copy:
            atomically:
                anon = True
                alloc(t)
            atomically when not ptl:
                if pte == ZERO:
                    pte = 0
                    ptl = True
                else:
                    put(NEW + t)
                    copy = False
            if copy:
                atomically:
                    drop(t)
                    todo = others(t, -1)
                    if todo == {}:
                        map_new(t)
                        ptl = False
                while todo != {}:
                    atomically:
                        let c = min(todo):
                            drop(c)
                            todo = others(t, c)
                        if todo == {}:
                            map_new(t)
                            ptl = False

def access(t, write, value):
    var done = False
    let least = MAPPED if write else ZERO:
        while not done:
            atomically:
                let entry = tlb[t]:
                    if (entry >= least) and ((entry == pte) or choose({ False, True })):
                        touch(t, write, value, entry)
                        done = True
                    else:
                        drop(t)
                        if pte >= least:
                            tlb[t] = pte
                            touch(t, write, value, pte)
                            done = True
            if not done:
                fault(t, write)

def gave_up(t):
    zapping -= 1
    assert all(not (t in rev[u]) for u in {0..N-1})

def flushed(t):
    if gath[t] != 0:
        put(GATHER + t)
        gath[t] = 0
    aux[t] = 0
    gave_up(t)

def dontneed(t):
    var zap = False
    var flush = False
    var todo = {}
    atomically:
        pass
    atomically:
        owed = 0
        zapping += 1
        zap = table
        if not zap:
            flush = zapping > 1
            if flush:
                aux[t] = FULL
            else:
                gave_up(t)
    if zap:
        atomically when not ptl:
            for u in {0..N-1}:
                if tlb[u] != 0:
                    rev[u] |= { t }
            flush = (pte != 0) or (zapping > 1)
            if pte == MAPPED:
                gath[t] = cell + 1
                rename(MAPPED, GATHER + t)
                cell = 0
            pte = 0
            if zapping > 1:
                aux[t] = FULL
            if not flush:
                gave_up(t)
    if flush:
        atomically:
            drop(t)
            todo = others(t, -1)
            if todo == {}:
                flushed(t)
        while todo != {}:
            atomically:
                let c = min(todo):
                    drop(c)
                    todo = others(t, c)
                if todo == {}:
                    flushed(t)
"""


def harmony(program: Zap) -> str:
    """The model of a program."""
    lines = [
        f"# {program.name}: made by benchmarks/zap/harmony.py, which explains it.",
        f"N = {len(program.tasks)}",
        _MODEL,
    ]
    for t, steps in reversed(list(enumerate(program.tasks))):
        lines.append(f"def task{t}():")
        for step in steps:
            if step.kind is Kind.MMAP:
                lines += ["    atomically:", "        pass", "    atomically:", "        pass"]
            elif step.kind is Kind.CLONE:
                lines += ["    atomically:", f"        spawn task{step.arg}()"]
            elif step.kind is Kind.DONTNEED:
                lines.append(f"    dontneed({t})")
            else:
                write = step.kind is Kind.STORE
                lines.append(f"    access({t}, {write}, {step.arg})")
        lines.append("")
    lines += ["spawn task0()", ""]
    return "\n".join(lines)
