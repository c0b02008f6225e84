"""The programs stand beside their tests: `python tests/selftests/cow_c.py FOLDER` writes them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
