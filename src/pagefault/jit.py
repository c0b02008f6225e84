"""Machine code from emitted functions. The only file that imports numba.

Each emitted function gets a compiled twin: the same text with a decorator and with marks for what
it looks at (link/watch.py), in a hash-named file of its own (link/files.py), importing twins only.
Numba keeps the machine code beside the file. Its cache does not notice that a helper, a constant or
an option changed; the hash does, since it covers the text, the names of all that is imported, the
versions of Python, Numba, llvmlite and NumPy, the layout and the options. A twin that runs paths,
properties or statements has one fixed signature, `(state record, int64) -> int64`, and is called by
its address.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import platform
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pagefault import consts, layout
from pagefault.link.files import folder, load, module_name, write
from pagefault.link.watch import watched

if TYPE_CHECKING:
    from pagefault.link import Kernel

__all__ = [
    "SHADOW",
    "Twins",
    "call_path",
    "compile_core",
    "compiled",
    "entry",
    "fetch_and_add",
    "inlined",
    "path",
    "prefetch",
    "put_if_empty",
    "seen",
    "seen_item",
]

SHADOW = 1 << 20
"""Bytes from a leaf of the state to its mark, which is as wide and all ones when it was seen."""

WORKERS = 2
"""Processes that compile."""

KIND = "native"
_IMPORT = re.compile(r"^from \.(\w+) import (\w+)$", re.MULTILINE)

warnings.simplefilter("ignore", numba.NumbaExperimentalFeatureWarning)


def bounds_checked() -> bool:
    """Whether out-of-range reads raise, instead of returning what lies there."""
    return os.environ.get("PAGEFAULT_BOUNDSCHECK", "0") not in ("", "0")


@cache
def _layout_digest() -> str:
    return hashlib.sha256(repr(layout.STATE).encode()).hexdigest()


def made_by() -> str:
    """What a file's hash covers beside its text: versions and options."""
    versions = (platform.python_version(), numba.__version__, llvmlite.__version__, np.__version__)
    return f"{versions} {_layout_digest()} {sorted(_options().items())} {SHADOW}"


def _options() -> dict[str, Any]:
    # Without the runtime for allocations: nothing here allocates, and counting the references of
    # arrays that are passed around cost more than the work.
    return {"cache": True, "nogil": True, "_nrt": False, "boundscheck": bounds_checked()}


@cache
def _signature() -> Any:
    return types.int64(numba.from_dtype(layout.STATE), types.int64)


_INNER: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Wrappers for callers outside take a third of the time to compile a helper, and it has none."""


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a helper: compiled for the types that its callers use."""
    wrapped: Callable[..., Any] = numba.njit(**_INNER, **_options())(function)
    return wrapped


def entry(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of what Python calls: see compile_core()."""
    wrapped: Callable[..., Any] = numba.njit(**_options())(function)
    return wrapped


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a helper that is copied to where it is called: a tuple of arrays is many
    arguments, and passing them can cost more than the work."""
    wrapped: Callable[..., Any] = numba.njit(forceinline=True, **_INNER, **_options())(function)
    return wrapped


def path(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of what is called by pointer: compiled, or loaded from disk, at once."""
    wrapped: Callable[..., Any] = numba.njit(_signature(), **_options())(function)
    return wrapped


def _mark(builder: Any, at: Any, kind: Any) -> None:
    """Say that the leaf at this pointer was seen."""
    from llvmlite import ir

    bits = ir.IntType(kind.bitwidth)
    byte = builder.bitcast(at, ir.IntType(8).as_pointer())
    mark = builder.gep(byte, [ir.Constant(ir.IntType(64), SHADOW)])
    store = builder.store(ir.Constant(bits, -1), builder.bitcast(mark, bits.as_pointer()))
    store.align = 1


@intrinsic(prefer_literal=True)
def seen(typingctx: Any, record: Any, field: Any) -> Any:
    """`record.field`, an integer of the state, with a mark that says that it was seen."""
    name = field.literal_value
    kind = record.typeof(name)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.get_data_type(kind)
        at = cgutils.get_record_member(builder, args[0], record.offset(name), data)
        _mark(builder, at, kind)
        return context.unpack_value(builder, kind, at, 1)

    return kind(record, field), codegen


@intrinsic
def seen_item(typingctx: Any, array: Any, index: Any) -> Any:
    """`array[index]` of an array of integers of the state, marked as seen. No index wraps."""
    kind = array.dtype

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(array)(context, builder, args[0])
        i = context.cast(builder, args[1], index, types.intp)
        if bounds_checked():
            cgutils.do_boundscheck(
                context, builder, i, cgutils.unpack_tuple(builder, view.shape)[0]
            )
        at = builder.gep(view.data, [i])
        _mark(builder, at, kind)
        return context.unpack_value(builder, kind, at, 1)

    return kind(array, index), codegen


@intrinsic
def call_path(typingctx: Any, address: Any, st: Any, t: Any) -> Any:
    """Call the path at an address, see Twins.address().

    (A tuple of first-class functions takes 5 ms to hand over for each call of the core.)
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        convention = context.call_conv
        kinds = (st, types.int64)
        function = convention.get_function_type(types.int64, kinds)
        pointer = builder.inttoptr(args[0], function.as_pointer())
        task = context.cast(builder, args[2], t, types.int64)
        status, result = convention.call_function(
            builder, pointer, types.int64, kinds, [args[1], task]
        )
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return result

    return types.int64(types.int64, st, t), codegen


def _item(context: Any, builder: Any, signature: Any, args: Any) -> tuple[Any, Any]:
    """A pointer to `array[index]`, and the third argument as such an item."""
    array, index, value = signature.args
    view = context.make_array(array)(context, builder, args[0])
    i = context.cast(builder, args[1], index, types.intp)
    return builder.gep(view.data, [i]), context.cast(builder, args[2], value, array.dtype)


@intrinsic
def prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask for `array[index]`, or the row's begin, to be brought near, and do not wait for it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from llvmlite import ir

        view = context.make_array(array)(context, builder, args[0])
        i = context.cast(builder, args[1], index, types.intp)
        stride = cgutils.unpack_tuple(builder, view.strides)[0]
        byte = ir.IntType(8).as_pointer()
        at = builder.gep(builder.bitcast(view.data, byte), [builder.mul(i, stride)])
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # To read, to be kept in all caches, data.
        builder.call(function, [at, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), codegen


@intrinsic
def put_if_empty(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Make `array[index]` this if it is 0, with nobody in between. Returns whether it was. What was
    written before is there for whoever sees it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at, new = _item(context, builder, signature, args)
        done = builder.cmpxchg(at, new.type(0), new, "acq_rel", "acquire")
        return builder.extract_value(done, 1)

    return types.boolean(array, index, value), codegen


@intrinsic
def fetch_and_add(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Add to `array[index]`, with nobody in between. Returns what it was."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at, more = _item(context, builder, signature, args)
        return builder.atomic_rmw("add", at, more, "acq_rel")

    return array.dtype(array, index, value), codegen


@dataclass(frozen=True)
class _Twin:
    module: str
    function: str
    text: str
    needs: tuple[str, ...]


class Twins:
    """The compiled twins of one kernel's functions, and of small ones written for it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._paths = {p.name for p in kernel.paths if p is not None}
        self._twins: dict[str, _Twin] = {}
        self._extra: dict[str, str] = {}

    def add(self, name: str, text: str) -> None:
        """A function `name(st, t)` written for this kernel; it imports `from .NAME import NAME`."""
        self._extra[name] = text

    def _text(self, name: str) -> str:
        return self._extra[name] if name in self._extra else self._kernel.texts[name]

    def twin(self, name: str) -> _Twin:
        """The twin of a function, and before it those of all that it calls directly."""
        if name not in self._twins:
            text = watched(self._text(name), is_path=self._is_pointer(name))
            needs = tuple(callee for _, callee in _IMPORT.findall(text))
            for callee in needs:
                self.twin(callee)
            text = _IMPORT.sub(lambda m: f"from .{self._twins[m[2]].module} import {m[2]}", text)
            decorator = "path" if self._is_pointer(name) else "compiled"
            text = text.replace(f"def {name}(", f"@{decorator}\ndef {name}(", 1)
            text = _behind_docstring(
                text, f"from pagefault.jit import {decorator}, seen, seen_item\n"
            )
            module = module_name(name, text, made_by())
            self._twins[name] = _Twin(module, name, text, needs)
        return self._twins[name]

    def _is_pointer(self, name: str) -> bool:
        return name in self._extra or name in self._paths

    def closure(self, name: str) -> list[_Twin]:
        """A twin behind all that it needs, directly or not."""
        found: dict[str, _Twin] = {}

        def visit(n: str) -> None:
            if n not in found:
                twin = self.twin(n)
                for callee in twin.needs:
                    visit(callee)
                found[n] = twin

        visit(name)
        return list(found.values())

    def load(self, name: str) -> Callable[..., Any]:
        """The compiled function; compiles it now if no machine code is kept."""
        function = None
        for twin in self.closure(name):
            function = load(twin.module, twin.function, twin.text, KIND)
        assert function is not None
        return function

    def address(self, name: str) -> int:
        """Where the machine code of a path begins, for call_path()."""
        result = self.load(name).get_compile_result(_signature())  # type: ignore[attr-defined]
        code = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
        return int(code)

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of which no machine code is on disk."""
        kept = _kept()
        twins = [(name, self.twin(name)) for name in names]
        return [name for name, twin in twins if f"{twin.module}.{twin.function}" not in kept]

    def _jobs(
        self, names: Sequence[str], also: Mapping[str, Callable[[], None]]
    ) -> dict[str, Callable[[], None]]:
        # Long functions first: the last one to finish is short then.
        closures = {name: self.closure(name) for name in self.missing(names)}
        by_length = sorted(closures, key=lambda n: -sum(len(twin.text) for twin in closures[n]))
        return {**also, **{name: partial(_compile, closures[name]) for name in by_length}}

    def compile_here(self, names: Sequence[str], also: Mapping[str, Callable[[], None]]) -> None:
        """compile(), all in this process."""
        for job in self._jobs(names, also).values():
            job()

    def compile(
        self, names: Sequence[str], also: Mapping[str, Callable[[], None]]
    ) -> Iterator[str]:
        """Compile what is not kept, in worker processes that split the list; yields each name.

        `also` is other work of this kind, by name, which takes longest.
        """
        jobs = self._jobs(names, also)
        if len(jobs) < 2:
            for name, job in jobs.items():
                job()
                yield name
            return
        _JOBS.update(jobs)  # workers are forked: they find them there
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
            running = {pool.submit(_do, name): name for name in jobs}
            for done in as_completed(running):
                done.result()
                yield running[done]
        _JOBS.clear()


_JOBS: dict[str, Callable[[], None]] = {}


def _do(name: str) -> None:
    _JOBS[name]()


def _kept() -> frozenset[str]:
    """The functions that there is machine code of, as MODULE.FUNCTION."""
    kept = folder(KIND) / "__pycache__"
    try:
        return _kept_in(kept, kept.stat().st_mtime_ns)
    except FileNotFoundError:
        return frozenset()


@lru_cache(maxsize=1)
def _kept_in(kept: Path, changed: int) -> frozenset[str]:
    """_kept(); `changed`, when a file was added last, only says how long the answer holds."""
    files = os.listdir(kept)  # noqa: PTH208  # thousands: ten times faster
    return frozenset(file.split("-")[0] for file in files if file.endswith(".nbi"))


def _compile(twins: Iterable[_Twin]) -> None:
    for twin in twins:
        load(twin.module, twin.function, twin.text, KIND)


def _behind_docstring(text: str, line: str) -> str:
    head, rest = text.split("\n", 1)
    return f"{head}\n\n{line}{rest.lstrip(chr(10))}" if head.startswith('"""') else line + text


@contextmanager
def _short_loops() -> Iterator[None]:
    """No vectors: the loops of the core run over two or three words, and what makes them fast for
    thousands makes them slow, and long to compile."""
    config: Any = numba.config
    kept = config.LOOP_VECTORIZE, config.SLP_VECTORIZE
    config.LOOP_VECTORIZE = config.SLP_VECTORIZE = 0
    try:
        yield
    finally:
        config.LOOP_VECTORIZE, config.SLP_VECTORIZE = kept


def core_names(files: Sequence[Path]) -> dict[Path, str]:
    """The hash-named modules that files of `@compiled` functions are copied to."""
    return {file: name for file, (name, _) in _core_texts(tuple(files), made_by()).items()}


def core_is_kept(files: Sequence[Path], name: str) -> bool:
    """Whether machine code of a function of such files is on disk."""
    kept = _kept()
    return any(f"{module}.{name}" in kept for module in core_names(files).values())


@cache
def _core_texts(files: tuple[Path, ...], made_by: str) -> dict[Path, tuple[str, str]]:
    """The name and the text of each module."""
    constants = Path(consts.__file__).read_text(encoding="utf-8")
    modules: dict[Path, tuple[str, str]] = {}
    for file in files:
        text = file.read_text(encoding="utf-8")
        for before, (name, _) in modules.items():
            text = re.sub(rf"from [\w.]+\.{before.stem} import", f"from .{name} import", text)
        modules[file] = module_name(file.stem, text + constants, made_by), text
    return modules


def compile_core(files: Sequence[Path], name: str, arguments: Sequence[Any]) -> Callable[..., Any]:
    """A function of files of `@compiled` functions, for arguments of these types.

    The files are copied under hashes that cover them, the constants that they import and each
    other, by the rule for twins. What is returned takes exactly these types, unchecked.
    """
    found: Any = None
    for module, text in _core_texts(tuple(files), made_by()).values():
        write(module, text, KIND)
        if f"\ndef {name}(" in text:
            found = load(module, name, text, KIND)
    kinds = tuple(numba.typeof(argument) for argument in arguments)
    if kinds not in found.overloads:
        with _short_loops():
            found.compile(types.int64(*kinds))
    return found.overloads[kinds].entry_point  # type: ignore[no-any-return]  # Numba has no hints
