"""Reading model files: functions, constants and imports, by `ast`, without running anything.

A model file (mm/, hw/, a design) holds a docstring, imports, integer constants and functions.
Names are resolved over the whole model, so an import is only there for the reader and for linters.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from pagefault.errors import DesignError, ModelError

PACKAGE = Path(__file__).resolve().parent.parent
MAX_SHIFT = 64
MAX_NAME = 100
SUSPENSIONS = (ast.Yield, ast.YieldFrom)


@dataclass(frozen=True, eq=False)
class Function:
    """A function of the model or of a design, as its file has it.

    `name` is unique in a linked kernel: a design's private helper carries the design's name behind
    its own. `home` is the file as people name it, e.g. "mm/memory.py".
    """

    name: str
    node: ast.FunctionDef = field(repr=False)
    module: Module = field(repr=False)

    @property
    def file(self) -> Path:
        """The file that defines it."""
        return self.module.file

    @property
    def home(self) -> str:
        """The file as people name it."""
        return self.module.home

    @property
    def line(self) -> int:
        """The line of its `def`."""
        return self.node.lineno

    @property
    def end_line(self) -> int:
        """Its last line."""
        return self.node.end_lineno or self.node.lineno

    @cached_property
    def params(self) -> tuple[str, ...]:
        """The names of all its parameters."""
        return tuple(a.arg for a in self.node.args.args)

    @cached_property
    def is_generator(self) -> bool:
        """Whether it has switch points; a plain function is atomic."""
        return any(isinstance(n, SUSPENSIONS) for n in ast.walk(self.node))

    @property
    def colour(self) -> str:
        """Which of the two it is, in words."""
        return "a generator" if self.is_generator else "a plain function"

    @property
    def signature(self) -> str:
        """The `def` line, e.g. "do_wp_page(st, t, mm, vpn)"."""
        return f"{self.node.name}({', '.join(self.params)})"

    @cached_property
    def doc(self) -> str:
        """Its docstring, or "" if it has none."""
        return ast.get_docstring(self.node) or ""

    @property
    def source(self) -> str:
        """The text of the function."""
        return "\n".join(self.module.lines[self.line - 1 : self.end_line])

    def __repr__(self) -> str:
        return f"<{self.name} {self.home}:{self.line}>"


@dataclass(eq=False)
class Module:
    """One file: what stands at its top level, checked as far as that is possible without others."""

    file: Path
    home: str
    tree: ast.Module = field(repr=False)
    lines: list[str] = field(repr=False)
    is_design: bool
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    list_nodes: dict[str, ast.AST] = field(default_factory=dict, repr=False)

    @property
    def doc(self) -> str:
        """Its docstring, or "" if it has none."""
        return ast.get_docstring(self.tree) or ""

    @property
    def idea(self) -> str:
        """The docstring's first line."""
        return self.doc.strip().split("\n", 1)[0]

    def error(
        self, message: str, node: ast.AST | int | None = None, hint: str | None = None
    ) -> DesignError | ModelError:
        """The error of this file's kind at a place in it."""
        kind = DesignError if self.is_design else ModelError
        if isinstance(node, int) or node is None:
            line, column = node, None
        else:
            line = getattr(node, "lineno", None)
            column = getattr(node, "col_offset", -1) + 1 or None
        text = self.lines[line - 1] if line and line <= len(self.lines) else None
        return kind(message, self.file, line, column, text, hint)


def kind_of(name: str) -> str:
    """What a local or a field of this name holds: a "pfn", a packed "pte", or a plain number ("").

    The explorer renumbers page frames while a path waits, so it must know where their numbers are.
    A PMD is packed as a PTE is.
    """
    last = name.rpartition("_")[2]
    return {"pfn": "pfn", "pte": "pte", "pmd": "pte"}.get(last, "")


def kind_of_value(node: ast.expr) -> str:
    """What an expression gives as far as a name tells: a local, or a field of the state."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return kind_of(name)
        case ast.Subscript(value=value):
            return kind_of_value(value)
        case ast.IfExp(body=body, orelse=orelse):
            return kind_of_value(body) or kind_of_value(orelse)
    return ""


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint that names the known names nearest to `name`."""
    close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else None


BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.Pow: operator.pow,
}
UNARY: dict[type[ast.unaryop], Callable[[int], int]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}


def constant_value(node: ast.expr, known: Callable[[str], int | None]) -> int | None:
    """The value of an integer expression over known constants, None if it is not one."""
    match node:
        case ast.Constant(value=int(value)):
            return int(value)
        case ast.Name(id=name):
            return known(name)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
            a = constant_value(operand, known)
            return None if a is None else UNARY[type(op)](a)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            a, b = constant_value(left, known), constant_value(right, known)
            return None if a is None or b is None else _computed(op, a, b)
    return None


def _computed(op: ast.operator, a: int, b: int) -> int | None:
    """The value of an operation, None if it has none or a huge one."""
    if isinstance(op, ast.LShift | ast.Pow) and not 0 <= b <= MAX_SHIFT:
        return None
    try:
        return BINARY[type(op)](a, b)
    except (ZeroDivisionError, ValueError):
        return None


def constants_of(tree: ast.Module, known: dict[str, int]) -> dict[str, int]:
    """The integer constants among the top-level assignments; what is not one is passed over."""
    found: dict[str, int] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=expr):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as expr):
                pass
            case _:
                continue
        value = constant_value(expr, lambda n: found.get(n, known.get(n)))
        if value is not None:
            found[name] = value
    return found


def read(file: Path, is_design: bool) -> str:
    """The text of a model file."""
    try:
        return file.read_text(encoding="utf-8-sig")  # editors of some systems begin with a mark
    except FileNotFoundError:
        error = DesignError if is_design else ModelError
        raise error("there is no such file", file) from None
    except (OSError, UnicodeDecodeError) as e:
        error = DesignError if is_design else ModelError
        raise error(f"cannot read it: {e}", file) from None


def parse(file: Path, home: str, text: str, is_design: bool, known: dict[str, int]) -> Module:
    """Parse a model file. `known` are the constants of consts.py and layout.py."""
    lines = text.splitlines()
    try:
        tree = ast.parse(text, str(file))
    except SyntaxError as e:
        kind = DesignError if is_design else ModelError
        source = lines[e.lineno - 1] if e.lineno and e.lineno <= len(lines) else None
        raise kind(f"syntax error: {e.msg}", file, e.lineno, e.offset, source) from None
    module = Module(file, home, tree, lines, is_design)
    for at, node in enumerate(tree.body):
        _top_level(module, node, first=at == 0, known=known)
    return module


def _top_level(module: Module, node: ast.stmt, first: bool, known: dict[str, int]) -> None:
    match node:
        case ast.Expr(value=ast.Constant(value=str())) if first:
            return
        case ast.ImportFrom(names=names):
            for alias in names:
                if alias.asname not in (None, alias.name):
                    raise module.error(
                        f"{alias.name} is renamed by its import",
                        node,
                        "the linker knows functions and constants by their own names",
                    )
            return
        case ast.FunctionDef(name=name):
            if len(name.encode()) > MAX_NAME:
                raise module.error(
                    f"{name[:20]}... is a name of {len(name)} characters",
                    node,
                    f"{MAX_NAME} are the most: its step function gets a file of this name",
                )
            if name in module.functions:
                before = module.functions[name].lineno
                raise module.error(f"{name} is defined twice, first in line {before}", node)
            module.functions[name] = node
            return
        case ast.Assign(targets=[ast.Name(id="PARTS" | "NOT_PROMISED" as name)], value=value) if (
            module.is_design
        ):
            module.lists[name] = _strings(module, name, value)
            module.list_nodes[name] = node
            return
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.isupper():
            number = constant_value(value, lambda n: module.constants.get(n, known.get(n)))
            if number is None:
                raise module.error(f"{name} is not an integer over known constants", node)
            module.constants[name] = number
            return
    raise module.error(
        f"{_what(node)} may not stand at the top level of a {_kind(module)}",
        node,
        "only a docstring, imports, functions and integer constants in upper case"
        + (", PARTS and NOT_PROMISED" if module.is_design else ""),
    )


def _kind(module: Module) -> str:
    return "design" if module.is_design else "model file"


def _strings(module: Module, name: str, value: ast.expr) -> tuple[str, ...]:
    if isinstance(value, ast.List | ast.Tuple):
        texts = [e.value for e in value.elts if isinstance(e, ast.Constant)]
        if len(texts) == len(value.elts) and all(isinstance(x, str) for x in texts):
            return tuple(str(x) for x in texts)
    raise module.error(f"{name} is not a list of names", value, f'{name} = ["one", "two"]')


WORDS: dict[type[ast.AST], str] = {
    ast.ClassDef: "a class",
    ast.Import: "`import x`",
    ast.AsyncFunctionDef: "an async function",
    ast.FunctionDef: "a function inside a function",
    ast.If: "an `if`",
    ast.For: "a `for` loop",
    ast.While: "a `while` loop",
    ast.With: "a `with` block",
    ast.Try: "a `try` block",
    ast.Match: "a `match`",
    ast.Raise: "a `raise`",
    ast.Assert: "an `assert`",
    ast.Delete: "a `del`",
    ast.Global: "a `global`",
    ast.Nonlocal: "a `nonlocal`",
    ast.Assign: "an assignment",
    ast.AnnAssign: "an annotated assignment",
    ast.Lambda: "a lambda",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a generator expression",
    ast.Tuple: "a tuple",
    ast.List: "a list",
    ast.Dict: "a dict",
    ast.Set: "a set",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment expression",
    ast.Await: "an `await`",
    ast.Starred: "a `*` argument",
    ast.Slice: "a slice",
    ast.Yield: "a `yield`",
    ast.YieldFrom: "a `yield from`",
}


def _what(node: ast.AST) -> str:
    if isinstance(node, ast.Expr):
        return "a call" if isinstance(node.value, ast.Call) else "an expression"
    return WORDS.get(type(node), f"`{type(node).__name__}`")


what = _what


# --- the baseline ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Baseline:
    """Where the model is: the folders of its functions, the files of its constants, its designs.

    `designs` may have a subfolder `parts`. `properties` is a file whose public functions are
    properties by name.
    """

    folders: tuple[Path, ...]
    consts: tuple[Path, ...]
    designs: Path
    properties: Path | None = None

    def files(self) -> Iterator[tuple[Path, str]]:
        """Every file with functions, and how people name it."""
        for folder in self.folders:
            for file in sorted(folder.glob("*.py")):
                if file.name != "__init__.py":
                    yield file, f"{folder.name}/{file.name}"
        if self.properties is not None:
            yield self.properties, f"{self.properties.parent.name}/{self.properties.name}"


@dataclass(eq=False)
class Sources:
    """A baseline, parsed: functions by name (unique over all files) and the global constants."""

    functions: dict[str, Function]
    constants: dict[str, int]
    modules: tuple[Module, ...]
    judges: frozenset[str] = frozenset()
    """The functions of the file of properties: no design may replace them."""
    stamps: tuple[Stamp, ...] = ()
    """Of the files that it was read from."""
    cache: dict[object, object] = field(default_factory=dict, repr=False)
    """What others worked out about these functions and need not again."""


Stamp = tuple[str, str]


def stamp(file: Path) -> Stamp:
    """A file and a digest of what it says: changes when the text does."""
    try:
        return str(file), hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as e:
        raise ModelError(f"cannot read it: {e.strerror}", file) from None


def load(baseline: Baseline) -> Sources:
    """Parse a baseline, once as long as none of its files changes."""
    files = [stamp(file) for file in (*baseline.consts, *(f for f, _ in baseline.files()))]
    return _load(baseline, tuple(files))


@lru_cache(maxsize=32)
def _load(baseline: Baseline, stamps: tuple[Stamp, ...]) -> Sources:
    constants: dict[str, int] = {}
    for file in baseline.consts:
        constants.update(constants_of(ast.parse(read(file, False), str(file)), constants))
    modules = tuple(
        parse(file, home, read(file, False), False, constants) for file, home in baseline.files()
    )
    functions: dict[str, Function] = {}
    for module in modules:
        for name, node in module.functions.items():
            if name in functions:
                raise module.error(
                    f"{name} is also defined in {functions[name].home}:{functions[name].line}",
                    node,
                    "names are unique over the whole model",
                )
            functions[name] = Function(name, node, module)
    judges = frozenset(n for n, f in functions.items() if f.file == baseline.properties)
    return Sources(functions, constants, modules, judges, stamps)


@dataclass(eq=False)
class Symbols:
    """What names mean in a linked kernel: the baseline with a design laid over it."""

    sources: Sources
    functions: dict[str, Function]

    @cached_property
    def _elsewhere(self) -> dict[str, int | None]:
        """Constants of single model files; None where two files disagree."""
        found: dict[str, int | None] = {}
        for module in self.sources.modules:
            for name, value in module.constants.items():
                found[name] = value if found.get(name, value) == value else None
        return found

    def constant(self, module: Module, name: str) -> int | None:
        """The value of a constant as `module` sees it: its own, the global one, another file's."""
        if name in module.constants:
            return module.constants[name]
        if name in self.sources.constants:
            return self.sources.constants[name]
        return self._elsewhere.get(name)

    def known(self, module: Module) -> set[str]:
        """Every name that a function of `module` may use."""
        return {*self.functions, *self.sources.constants, *self._elsewhere, *module.constants}
