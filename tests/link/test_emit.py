"""What emitted text looks like, and where the locals of a path live."""

from __future__ import annotations

import ast
from pathlib import Path
from textwrap import dedent

from link_models import Model

from pagefault.consts import RETURNED, YIELDED
from pagefault.link import link


def text_of(kernel, name: str) -> str:
    """The emitted text of a function, from its `def` on."""
    try:
        function = kernel.path(name).step
    except KeyError:
        function = kernel.function(name)
    text = Path(function.__code__.co_filename).read_text()
    return text[text.index(f"def {name}(") :]


def test_a_path_reads_like_its_source(model):
    kernel = model('''
        def lock(st, t, mm):
            """include/linux/mmap_lock.h lock(), v6.12: for reading.

            More that nobody needs here.
            """
            count = 0
            yield "mmap_lock"
            while st.mm[mm].mmap_lock < 0:
                yield BLOCKED
            # a comment
            for i in range(2):
                if st.mm[i].mmap_lock:
                    count += 1
            yield from unlock(st, t, mm, count)
            return count


        def unlock(st, t, mm, count):
            yield "unlock"
    ''').link()
    assert text_of(kernel, "lock") == dedent('''\
        def lock(st, t):
            """include/linux/mmap_lock.h lock(), v6.12: for reading."""
            task = st.task[t]
            frame = task.frame[task.depth - 1]
            reg = frame.reg
            pc = frame.pc
            if pc == 0:
                count = 0
                # switch point: mmap_lock
                reg[1] = count
                frame.pc = 1
                return YIELDED
            elif pc == 1:
                # after: mmap_lock
                mm = reg[0]
                count = reg[1]
                if st.mm[mm].mmap_lock < 0:
                    return BLOCKED
                for i in range(2):
                    if st.mm[i].mmap_lock:
                        count += 1
                # call: unlock(st, t, mm, count)
                if task.depth == NR_FRAMES:
                    st.bug = BUG_FRAME_OVERFLOW
                    return CALLED
                callee = task.frame[task.depth]
                callee.path = PATH_unlock
                callee.reg[0] = mm
                callee.reg[1] = count
                reg[1] = count
                reg[0] = 0
                frame.pc = 2
                task.depth += 1
                return CALLED
            else:  # pc == 2
                count = reg[1]
                task.retval = 0
                task.retval = count
                reg[1] = 0
                frame.path = frame.pc = 0
                task.depth -= 1
                return RETURNED
    ''')
    path = kernel.path("lock")
    assert path.registers == ("mm", "count")
    assert path.labels == {1: "mmap_lock"}
    assert path.callees == {2: "unlock"}
    assert path.lines == {0: 1, 1: 7, 2: 14}
    assert (path.file, path.line, path.params) == ("mm/memory.py", 1, ("mm",))
    assert path.kinds == ("", "")


def test_a_plain_function_keeps_its_text(model):
    kernel = model('''
        LIMIT = 1 << 2

        def clamp(st, x):
            """At most LIMIT."""
            if x > LIMIT:
                return LIMIT
            elif x < 0:
                return 0
            return x
    ''').link()
    file = Path(kernel.function("clamp").__code__.co_filename)
    assert file.read_text() == dedent('''\
        """clamp(), linked by pagefault from mm/memory.py."""

        LIMIT = 4


        def clamp(st, x):
            """At most LIMIT."""
            if x > LIMIT:
                return LIMIT
            elif x < 0:
                return 0
            return x
    ''')


def run(model: Model, st, *args: int) -> list[list[int]]:
    """The registers of `f` at each of its stops."""
    path = model.link().path("f")
    task = st.task[0]
    task.depth = 1
    task.frame[0].path = path.id
    for i, arg in enumerate(args):
        task.frame[0].reg[i] = arg
    stops = []
    while path.step(st, 0) == YIELDED:
        stops.append([task.frame[0].reg[i] for i in range(len(path.registers))])
    assert task.depth == 0
    assert not any(task.frame[0].reg[i] for i in range(12))
    return stops


def test_dead_registers_are_zero(model, st):
    m = model("""
        def f(st, t, a, b):
            yield "both live"
            c = a + b
            yield "only c"
            st.private[0] = c
            yield "none"
    """)
    assert run(m, st, 3, 4) == [[3, 4, 0], [0, 0, 7], [0, 0, 0]]


def test_a_local_that_only_waits_is_not_touched(model):
    kernel = model("""
        def f(st, t, a):
            yield "one"
            st.private[0] = 1
            yield "two"
            return a
    """).link()
    one = text_of(kernel, "f").split("elif pc == 1:")[1].split("else:")[0]
    assert "reg" not in one


def test_a_loop_counts_in_its_own_variable_if_nobody_reads_it_later(model, st):
    m = model("""
        def f(st, t, end):
            for i in range(1, end):
                yield "again"
                st.private[0] += i
    """)
    assert m.link().path("f").registers == ("end", "i")
    assert run(m, st, 4) == [[4, 1], [4, 2], [4, 3]]
    assert st.private[0] == 6


def test_a_loop_variable_keeps_its_last_value(model, st):
    m = model("""
        def f(st, t, end):
            i = 7
            for i in range(end):
                yield "again"
            st.private[0] = i
    """)
    assert m.link().path("f").registers == ("end", "i", "i_next")
    run(m, st, 3)
    assert st.private[0] == 2
    run(m, st, 0)
    assert st.private[0] == 7


def test_the_bounds_of_a_loop_are_worked_out_once(model, st):
    m = model("""
        def f(st, t):
            st.private[0] = 2
            for i in range(st.private[0]):
                st.private[0] += 1
                yield "again"
    """)
    assert m.link().path("f").registers == ("i", "i_stop")
    assert len(run(m, st)) == 2


def test_registers_are_shared_only_if_they_must(model, st):
    def text(n: int) -> str:
        lines = ["def f(st, t):"]
        for i in range(n):
            lines += [f"    x{i} = {i} + 1", f'    yield "{i}"', f"    st.private[0] += x{i}"]
        return "\n".join([*lines, ""])

    assert model(text(12)).link().path("f").registers == tuple(f"x{i}" for i in range(12))
    m = model(text(13))
    assert m.link().path("f").registers == ("/".join(f"x{i}" for i in range(13)),)
    assert run(m, st) == [[i + 1] for i in range(13)]
    assert st.private[0] == sum(range(14))


def test_locals_of_different_kinds_never_share(model):
    lines = ["def f(st, t):"]
    for i in range(7):
        for name in (f"x{i}", f"x{i}_pfn"):
            lines += [f"    {name} = {i}", '    yield "a"', f"    st.private[0] = {name}"]
    path = model("\n".join([*lines, ""])).link().path("f")
    assert path.kinds == ("", "pfn")


def test_kinds_by_name(model):
    path = (
        model("""
        def f(st, t, pfn, orig_pte, pteval, new_pfn):
            yield "a"
            return pfn + orig_pte + pteval + new_pfn
    """)
        .link()
        .path("f")
    )
    assert path.kinds == ("pfn", "pte", "", "pfn")


def test_names_of_the_linker_give_way(model, st):
    m = model("""
        def f(st, t, task, frame, reg):
            pc = task + frame + reg
            yield "a"
            return pc
    """)
    assert run(m, st, 1, 2, 3) == [[0, 0, 0, 6]]
    assert st.task[0].retval == 6


def test_a_yield_behind_a_return_only_makes_a_generator(model, st):
    m = model("""
        def f(st, t):
            return 5
            yield "never"
    """)
    path = m.link().path("f")
    assert path.labels == {}
    st.task[0].depth = 1
    assert path.step(st, 0) == RETURNED
    assert st.task[0].retval == 5


ALLOWED = (
    *(ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign),
    *(ast.For, ast.While, ast.If, ast.Expr, ast.ImportFrom, ast.alias, ast.Break, ast.Continue),
    *(ast.Pass, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Compare, ast.Call),
    *(ast.Constant, ast.Attribute, ast.Subscript, ast.Name, ast.Tuple, ast.expr_context),
    *(ast.boolop, ast.operator, ast.unaryop, ast.cmpop),
)


def test_emitted_text_is_integers_and_calls():
    """Nothing that Numba could not compile: no closures, containers, texts, generators."""
    kernel = link()
    paths = {p.name: p.step for p in kernel.paths if p is not None}
    for name in kernel.symbols.functions:
        function = paths[name] if name in paths else kernel.function(name)
        tree = ast.parse(Path(function.__code__.co_filename).read_text())
        for node in ast.walk(tree):
            assert isinstance(node, ALLOWED), (name, ast.unparse(node))
