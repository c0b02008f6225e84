"""Field names of the state must not be names that a NumPy scalar already has."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

LAYOUT = Path(__file__).resolve().parents[2] / "src" / "pagefault" / "layout.py"


def test_no_field_is_named_like_an_attribute_of_a_numpy_record() -> None:
    taken = {name for name in dir(np.record) if not name.startswith("_")}
    structs = [
        node
        for node in ast.parse(LAYOUT.read_text()).body
        if isinstance(node, ast.ClassDef) and "Struct" in {ast.unparse(b) for b in node.bases}
    ]
    assert structs
    for struct in structs:
        for node in struct.body:
            if isinstance(node, ast.AnnAssign):
                name = ast.unparse(node.target)
                assert name not in taken, (
                    f"layout.py:{node.lineno}: {struct.name}.{name}: a record answers with its "
                    f"own {name}; say what the field means, as in vm_{name} or pg_{name}"
                )
