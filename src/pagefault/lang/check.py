"""From shapes to a program: what can't make sense however it runs is an error here."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from pagefault.lang._text import Source, did_you_mean, listing
from pagefault.lang.names import MAX_CPUS, MAX_FILE_PAGES, Names, is_register, number, short
from pagefault.lang.program import (
    And,
    Atom,
    Code,
    Condition,
    Expr,
    File,
    FileCell,
    FileName,
    Header,
    Int,
    Memory,
    Not,
    Or,
    Program,
    Quantifier,
    Range,
    Register,
    Signal,
    Statement,
    Task,
    Words,
)
from pagefault.lang.statements import statement
from pagefault.lang.syntax import (
    Block,
    Question,
    RawAtom,
    RawExpr,
    RawName,
    RawNumber,
    RawPlace,
)
from pagefault.lang.verbs import ERRNOS, QUANTIFIERS, SIGNALS

__all__ = ["check"]


def check(
    source: Source, name: str, header: Header, items: list[Block | Question], path: Path | None
) -> Program:
    """The program of a parsed text; LitmusError if it does not make sense."""
    blocks = [item for item in items if isinstance(item, Block)]
    if not blocks:
        raise source.error(
            "there is no task", source.split()[2], 1, "write process P { ... } after the header"
        )
    names = Names(source, blocks)
    cpus = _cpus(names, blocks)
    tasks = tuple(
        Task(
            name=str(block.name),
            kind=names.kinds[block.name],
            parent=names.parents.get(block.name),
            cpu=cpus[block.name],
            statements=_statements(names, block),
            line=block.kind.line or 0,
        )
        for block in blocks
    )
    return Program(
        name=name,
        title=header.title,
        source=header.source,
        tasks=tasks,
        pages=tuple(names.pages),
        pins=tuple(names.pins),
        pipes=tuple(names.pipes),
        mirrors=tuple(names.mirrors),
        files=tuple(_file(names, name, tasks) for name in names.files),
        condition=_condition(names, [item for item in items if isinstance(item, Question)]),
        header=header,
        path=path,
    )


def _statements(names: Names, block: Block) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for sentence in block.sentences:
        if result and result[-1].verb == "exit":
            raise names.error(
                "this statement never runs: exit() comes before it",
                sentence.token,
                "put exit() last",
            )
        result.append(statement(names, block, sentence, result))
    return tuple(result)


def _file(names: Names, name: str, tasks: tuple[Task, ...]) -> File:
    """What the mappings of a file say of it: its kind, and how long it is at the beginning."""
    kind, nr_pages = "", 0
    mappings = (s for task in tasks for s in task.statements if s.verb == "mmap_file")
    for mapping in mappings:
        if FileName(name) not in mapping.args:
            continue
        pages, _, _, said, _ = mapping.args
        assert isinstance(pages, Range)
        assert isinstance(said, Words)
        (word,) = said.words
        size = names.pages.index(pages.last) - names.pages.index(pages.first) + 1
        place = mapping.line, mapping.column
        if kind not in ("", word):
            hint = "a file is of one kind"
            raise names.source.error(f"file {name} is {kind} elsewhere", *place, hint)
        if size > MAX_FILE_PAGES:
            hint = f"a file has at most {MAX_FILE_PAGES} pages"
            raise names.source.error(f"{size} pages of file {name} are mapped", *place, hint)
        kind, nr_pages = word, max(nr_pages, size)
    _check_file_calls(names, name, kind, tasks)
    if kind == "secret" and _truncated(name, tasks):
        nr_pages = 0
    return File(name, kind, nr_pages)


def _check_file_calls(names: Names, name: str, kind: str, tasks: tuple[Task, ...]) -> None:
    """Some calls are for drivers only, and read(2) and the like for none of them; close(2) is for
    all."""
    is_driver = kind not in ("regular", "shmem", "secret")
    for s in (s for task in tasks for s in task.statements if s.verb != "mmap_file"):
        used = [arg.name for arg in s.args if isinstance(arg, FileName | FileCell)]
        for_drivers = s.verb in ("ioctl", "kread", "kwrite")
        if name in used and s.verb != "close" and for_drivers != is_driver:
            message = f"{s.verb}() is for drivers" if for_drivers else f"no {s.verb}() of a driver"
            hint = f"{name} is {kind}, as its mappings say"
            raise names.source.error(message, s.line, s.column, hint)


def _truncated(name: str, tasks: tuple[Task, ...]) -> bool:
    """Whether the program gives a file its size: memfd_secret(2) makes empty ones."""
    statements = (s for task in tasks for s in task.statements)
    return any(s.verb == "truncate" and FileName(name) in s.args for s in statements)


def _cpus(names: Names, blocks: list[Block]) -> dict[str, int | None]:
    """The CPU of each task; a CPU task that is not bound needs one for itself."""
    cpus: dict[str, int | None] = {}
    needed: set[int | str] = set()
    for block in blocks:
        cpu = _cpu(names, block)
        cpus[str(block.name)] = cpu
        if block.kind == "device":
            continue
        needed.add(str(block.name) if cpu is None else cpu)
        if len(needed) > MAX_CPUS:
            raise names.error(
                f"{block.name} finds no free CPU: there are {MAX_CPUS}",
                block.name,
                f"bind two tasks to one: {block.kind} {block.name} on cpu 0 {{ ... }}",
            )
    return cpus


def _cpu(names: Names, block: Block) -> int | None:
    if block.binding is None:
        return None
    on, cpu, index = block.binding
    for token, word in ((on, "on"), (cpu, "cpu")):
        if token != word:
            raise names.error(
                f"unexpected {short(str(token))!r}",
                token,
                f"write {block.kind} {block.name} on cpu {short(index)} {{ ... }}",
            )
    if block.kind == "device":
        raise names.error(f"device {block.name} runs on no CPU", on, "leave out `on cpu`")
    value = number(index)
    if not 0 <= value < MAX_CPUS:
        raise names.error(f"there is no CPU {short(index)}", index, f"CPUs are 0 to {MAX_CPUS - 1}")
    return value


# The condition.


def _condition(names: Names, questions: list[Question]) -> Condition:
    if not questions:
        last = max(n for n, line in enumerate(names.source.lines, 1) if line.strip())
        raise names.source.error(
            "there is no condition",
            last,
            1,
            "end with a question about the final state: exists (P:r0 = 1)",
        )
    if len(questions) > 1:
        raise names.error(
            "there are two conditions",
            questions[1].quantifier,
            "ask one question in a file; /\\ and \\/ join what belongs together",
        )
    question = questions[0]
    word = ("~" if question.tilde is not None else "") + question.quantifier
    if word not in QUANTIFIERS:
        raise names.error(
            f"{short(word)} is no quantifier",
            question.tilde if question.tilde is not None else question.quantifier,
            did_you_mean(word, QUANTIFIERS) or f"write {listing(QUANTIFIERS)}",
        )
    return Condition(cast(Quantifier, word), _expr(names, question.expr))


def _expr(names: Names, raw: RawExpr | RawAtom) -> Expr:
    if isinstance(raw, RawAtom):
        left = _observed(names, names.task(raw.task), raw.left)
        return Atom(left, _value(names, left, raw.right), raw.relation == "=")
    operands = tuple(_expr(names, operand) for operand in raw.operands)
    if raw.operator == "not":
        return Not(operands[0])
    return And(operands) if raw.operator == "and" else Or(operands)


def _observed(names: Names, task: str, left: RawName | RawPlace) -> Register | Memory | Signal:
    token = left.token
    is_device = names.kinds[task] == "device"
    if isinstance(left, RawPlace):
        if is_device:
            raise names.error(
                f"device {task} has no memory of its own",
                token,
                "name a process: P:A[0] is what P would load",
            )
        return Memory(task, names.page(token), names.cell(left.index))
    if token == "signal":
        if is_device:
            raise names.error(f"device {task} gets no signals", token, "only a device's registers")
        return Signal(task)
    if is_register(token):
        return names.register_read(task, token)
    if names.kind(token) == "page":
        raise names.error(f"which cell of page {token}?", token, f"{token}[0] is cell 0")
    raise names.error(
        f"{task}:{short(token)} can't be observed",
        token,
        f"a condition sees registers ({task}:r0), cells ({task}:A[0]) and {task}:signal",
    )


def _value(
    names: Names, left: Register | Memory | Signal, right: RawName | RawNumber
) -> Int | Code:
    token = right.token
    if isinstance(right, RawName):
        codes: tuple[str, ...] = (*SIGNALS, *ERRNOS)
        if isinstance(left, Memory):
            codes = ()
        elif isinstance(left, Signal):
            codes = SIGNALS
        if token not in codes:
            raise names.error(
                f"{short(token)} is no value that this can have",
                token,
                did_you_mean(token, codes) or f"compare it with {listing(('a number', *codes))}",
            )
        return Code(str(token))
    value = names.value(token)
    if isinstance(left, Signal) and value != 0:
        raise names.error(
            f"{value} names no signal", token, f"write {listing(SIGNALS)}, or 0 for none"
        )
    return Int(value)
