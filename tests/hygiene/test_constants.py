"""Constants: each is used, and no two flags of a folio are one bit, those of designs included."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "pagefault"
SOURCES = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}


def test_each_constant_is_used():
    named = re.findall(r"^([A-Z][A-Z0-9_]*) = ", SOURCES[PACKAGE / "consts.py"], re.MULTILINE)
    times = Counter(word for text in SOURCES.values() for word in re.findall(r"\w+", text))
    assert [name for name in named if times[name] < 2] == []


def test_no_two_flags_of_a_folio_are_one_bit():
    flags = re.findall(r"^(PG_\w+) = 1 << (\d+)", "\n".join(SOURCES.values()), re.MULTILINE)
    bits = Counter(bit for _, bit in flags)
    assert [name for name, bit in flags if bits[bit] > 1] == []
