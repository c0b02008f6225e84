"""The tests here use the original generators of tests/link."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # claims.py
sys.path.insert(0, str(Path(__file__).parents[1] / "link"))  # original.py
