"""The C functions that the model names exist (tools/check_c_anchors.py)."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool(load_tool: Callable[[str], ModuleType]) -> ModuleType:
    return load_tool("check_c_anchors")


C = """\
#define pte_same(a, b) ((a) == (b))
/* do_old_page() { was here } */
static inline vm_fault_t do_wp_page(struct vm_fault *vmf,
                                    int n)
	__releases(vmf->ptl)
{
	do_local_page(vmf);
	if (n) {
		return 0;
	}
}
vm_fault_t do_declared_page(struct vm_fault *vmf);
SYSCALL_DEFINE2(mprotect, unsigned long, start, size_t, len)
{
}
"""


@pytest.mark.parametrize(
    ("function", "there"),
    [
        ("do_wp_page", True),
        ("pte_same", True),
        ("sys_mprotect", True),
        ("do_old_page", False),
        ("do_local_page", False),
        ("do_declared_page", False),
        ("wp_page", False),
    ],
)
def test_definitions_are_told_from_mentions(
    tool: ModuleType, tmp_path: Path, function: str, there: bool
) -> None:
    (tmp_path / "memory.c").write_text(C)
    assert tool.defines(tmp_path / "memory.c", function) == there


def test_missing_anchor_is_reported(tool: ModuleType, tmp_path: Path) -> None:
    tree, model = tmp_path / "linux", tmp_path / "model"
    (tree / "mm").mkdir(parents=True)
    (tree / "mm" / "memory.c").write_text(C)
    (model / "mm").mkdir(parents=True)
    (model / "mm" / "memory.py").write_text(
        'def f(st):\n    """One. mm/memory.c do_wp_page() and do_gone_page(), v6.12."""\n'
    )
    found = tool.anchors(model)
    assert [a.c_function for a in found] == ["do_wp_page", "do_gone_page"]
    assert [a.c_function for a in tool.missing(found, tree)] == ["do_gone_page"]


# Paths of mm/ that stand for no function of Linux.
NO_ANCHOR = {
    "user_load",  # an instruction
    "user_store",
    "take_user_page",  # what a driver does around GUP
    *("user_map_invalidate", "user_map_gup", "user_map_take", "user_map_drop", "user_map_put"),
    *("user_map_enter", "user_map_leave", "user_map_read", "user_map_write"),  # not in Linux
    *("sys_enter", "sys_leave", "sys_parse"),
    "sys_vgetrandom_alloc",  # proposed, never merged
    "sys_look",  # whoever reads what is not his
    "reap_vma",  # a turn of the loop in __oom_reap_task_mm()
    "secondary_lock",  # kvm->mmu_lock, umem_mutex
    "mirror_fault",  # a device does what its kind does
    "sys_mirror_read",  # a load and a store of a device or guest, and a look at its tables
    "sys_mirror_write",
    "sys_mirror_has",
    "process_vm_unpin",  # the end of process_vm_rw_single_vec()
    # What drivers have in common, of which each has a function of its own.
    *("driver_lock", "driver_map", "driver_mmap", "driver_release", "map_and_count"),
    *("change_buffer", "replace_buffer", "free_buffer", "free_deferred", "kernel_use"),
    *("sys_ioctl", "sys_kread", "sys_kwrite"),
}


def test_every_path_of_mm_names_its_c_function(tool: ModuleType) -> None:
    anchored = {a.function for a in tool.anchors()}
    paths = {
        node.name
        for path in sorted((tool.MODEL / "mm").glob("*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(x, ast.Yield | ast.YieldFrom) for x in ast.walk(node))
    }
    assert paths
    assert paths - anchored == NO_ANCHOR


def test_anchors_exist_in_the_kernel_tree(
    tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = os.environ.get("LINUX_SRC")
    if not tree:
        pytest.skip("LINUX_SRC names no kernel tree (Debian: the package linux-source-6.12)")
    assert tool.main([tree]) == 0, capsys.readouterr().out
