"""What a kernel prints of its memory is read rightly, and predictions start from it."""

from __future__ import annotations

import json

import pytest

from pagefault.cost.observe import compare, parse, predict
from pagefault.cost.observing import observed_text
from pagefault.errors import LiveError

COUNTS = """\
== {name}
MemTotal:        6000000 kB
DirectMap4k:       {k4} kB
DirectMap2M:     {m2} kB
DirectMap1G:     2097152 kB
direct_map_level2_splits {splits}
direct_map_level3_splits 0
 CAL:        {cal}        292   Function call interrupts
 TLB:          2          0   TLB shootdowns
"""


def printed(frames: range) -> str:
    numbers = ["1"] * 9 + ["0", "0"]
    return "\n".join(
        [
            "== zones",
            "Node 0, zone    DMA32",
            "  pages free     9",
            "        spanned  1044480",
            "  start_pfn:           4096",
            "Node 0, zone   Normal",
            "        spanned  786432",
            "    cpu: 0",
            "              count:    3134",
            "    cpu: 1",
            "              count:    77",
            "              high:     5200",
            "              batch:    63",
            "  start_pfn:           1048576",
            "== lists",
            "Free pages count per migrate type at order 0 1 2 3 4 5 6 7 8 9 10",
            "Node    0, zone    DMA32, type    Unmovable " + " 0" * 11,
            "Node    0, zone   Normal, type    Unmovable " + " ".join(numbers),
            "Node    0, zone   Normal, type      Movable " + " 0" * 10 + " 700",
            "Node    0, zone   Normal, type   HighAtomic " + " 0" * 11,
            "Number of blocks type Unmovable Movable Reclaimable HighAtomic Isolate",
            "Node 0, zone   Normal           91         1443            2            0       0",
            COUNTS.format(name="before", k4=4096, m2=4169728, splits=0, cal=100)
            + COUNTS.format(name="taken", k4=8192, m2=4165632, splits=2, cal=2160)
            + "== frames",
            *map(str, frames),
            COUNTS.format(name="given", k4=8192, m2=4165632, splits=2, cal=2161),
        ]
    )


TEXT = printed(range((5 << 18) + 256, (5 << 18) + 256 + 1024))


def test_the_zone_and_the_counters_are_read():
    seen = parse(TEXT)
    assert (seen.zone.name, seen.zone.start, seen.zone.spanned) == ("Normal", 1 << 20, 3 << 18)
    assert seen.zone.blocks == {0: 91, 1: 1443, 2: 2}
    assert seen.zone.free[0] == [1] * 9 + [0, 0]
    assert seen.zone.listed == 77
    assert seen.zone.pcp == {"batch": 63, "high": 5200, "high_min": 5200, "high_max": 5200}
    assert seen.before.entries == {"4K": 1024, "2M": 2036, "1G": 2}
    assert (seen.before.interrupts, seen.taken.interrupts) == (102, 2162)
    assert seen.in_zone == 1024


def test_what_was_seen_is_summed_up():
    found = compare("a test", TEXT, 2)
    assert found.splits == {"2M": 2, "1G": 0}
    assert found.touched == {"2M": 3, "1G": 1}
    assert found.adds_up
    document = json.loads(json.dumps(found.document()))
    assert document["interrupts"] == 2060
    assert document["interrupts_of_free"] == 1
    assert "moved as the splits say" in observed_text("6.12", [found])


def test_free_blocks_close_together_take_fewer_splits():
    """511 pages in nine free blocks, then 1 MiB of what was movable."""
    seen = parse(TEXT)
    assert predict(seen, apart=False, seed=1)["2M"] == 3
    assert predict(seen, apart=True, seed=1)["2M"] > 6


def test_a_program_that_did_not_end():
    with pytest.raises(LiveError, match="did not come to its end"):
        parse(TEXT.partition("== taken")[0])
