"""Whoever changes page tables tells mmu notifiers: without it, a test of the catalogue notices."""

from __future__ import annotations

import ast
import copy

import pytest

from pagefault.explore.compare import compare
from pagefault.explore.search import explore
from pagefault.lang import select
from pagefault.link import Function, link

TELLS = {
    "mmu_notifier_invalidate",
    "mmu_notifier_invalidate_range_start",
    "mmu_notifier_invalidate_range_end",
}
THEMSELVES = ("mm/mmu_notifier.py", "mm/notifier_ops.py")

NOTICED = {
    "__replace_page": ("notifier+kvm-read-uprobe-read", "op"),
    "change_protection": ("notifier+numa_hint-kvm-read", "op"),
    "collapse_huge_page": ("notifier+kvm-read-collapse-store-read", "op"),
    "copy_page_range": ("notifier+gpc-read-read+cow-store", "op"),
    "mremap_to": ("notifier+kvm-read-mremap-read", "step"),
    "page_vma_mkclean_one": ("notifier+kvm-write-fsync-write", "op"),
    "poison_one": ("notifier+kvm-read-poison-has", "op"),
    "reap_vma": ("notifier+kvm-read-read+reap", "op"),
    "replace_page": ("notifier+kvm-read-read+ksm-store", "step"),
    "sys_clear_refs": ("notifier+kvm-write-clear-write", "op"),
    "sys_uffd_move": ("notifier+kvm-read-uffd-move-read", "op"),
    "try_to_migrate_pmd": ("notifier+kvm-read-huge-migrate-store-read", "op"),
    "try_to_migrate_one": ("migrate+kvm-write-migrate-read", "op"),
    "try_to_unmap_one": ("notifier+kvm-write-pageout-read", "op"),
    "unmap_huge_pmds": ("notifier+kvm-read-huge-free-pageout-read", "op"),
    "unmap_region": ("notifier+gpc-read-read+munmap-mmap", "op"),
    "wp_page_copy": ("notifier+kvm-read-read+cow-store", "op"),
    "write_protect_page": ("ksm+kvm-write-merge-read", "step"),
    "zap_page_range_single": ("notifier+kvm-read-dontneed-store-read", "op"),
}
NOBODY_CAN_TELL = {
    "madvise_free_single_vma": "an entry that may write makes its page dirty when it goes, so that "
    "it is kept: needlessly if nobody writes, which no promise forbids",
    "__split_huge_pmd": "a device has entries for pages here, and a split changes no page's rights",
}


class _TellsNobody(ast.NodeTransformer):
    """Leaves calls to notifiers out; what they would return is 0."""

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        if isinstance(node.value, ast.YieldFrom) and _tells(node.value.value):
            return ast.Expr(ast.Yield(ast.Constant("nobody is told")))
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.expr:
        return ast.Constant(0) if _tells(node.value) else node


def _tells(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TELLS


def tellers() -> dict[str, Function]:
    """The functions of the baseline that tell notifiers of a change."""
    return {
        name: function
        for name, function in link("mainline").symbols.functions.items()
        if function.home not in THEMSELVES and any(map(_tells, ast.walk(function.node)))
    }


def test_each_function_that_tells_notifiers_has_a_test():
    assert set(tellers()) == set(NOTICED) | set(NOBODY_CAN_TELL)


@pytest.mark.parametrize("function", NOTICED)
def test_somebody_notices_that_notifiers_are_not_told(function, tmp_path):
    name, grain = NOTICED[function]
    node = _TellsNobody().visit(copy.deepcopy(tellers()[function].node))
    text = ast.unparse(ast.fix_missing_locations(node))
    design = tmp_path / "tells_nobody.py"
    design.write_text(f'"""{function}() tells nobody."""\n\n\n{text}\n')
    (entry,) = select([name])
    (claim,) = (c for c in entry.program.header.expect if c.design == "mainline")
    assert grain in claim.grains
    assert compare(explore(link(design), entry.program, grain), claim)
