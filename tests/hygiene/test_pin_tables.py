"""Who pins how: the model against what the flags mean, and docs/pins.md against the data."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import pagefault.mm

DATA = Path(pagefault.mm.__file__).with_name("gup_users.toml")
RELEASES = ("5.7", "5.8", "5.9", "5.10", "5.18", "5.19", "6.1", "6.2", "6.5", "6.12")
FLAGS = {"GET", "PIN", "WRITE", "LONGTERM", "FORCE", "REMOTE"}


@pytest.fixture(scope="module")
def tool(load_tool):
    return load_tool("pin_tables")


def meant(situation, flags, release):
    """Whether the flags keep the page in a release, as sources say it.

    F: fork looks for FOLL_PIN since 5.9 (70e806e4e645), for FOLL_GET never.
    S: a write fault breaks COW; a pin for reading unshares since 5.19 (a7f226604170).
    Z: what is not anonymous is unshared for long-term pins since 6.2 (84209e87c696).
    W: any reference counts against reuse (09854ba94c6a) until PageAnonExclusive (6c287605fd56).
    5.8 took every reference as if for writing (17839856fd58).
    """
    writes = "WRITE" in flags or release == (5, 8)
    pins = "PIN" in flags
    match situation:
        case "F":
            return pins and release >= (5, 9)
        case "S":
            return writes or (pins and release >= (5, 19))
        case "Z":
            return writes or (pins and "LONGTERM" in flags and release >= (6, 2))
        case "W":
            # Before 5.9, and without a write fault to come, the page stays.
            return not (5, 9) <= release < (5, 19)
    raise AssertionError(situation)


def number(release):
    return tuple(map(int, release.split(".")))


def cases():
    """The flags of each user in each release; without those that keep no reference."""
    for user in tomllib.loads(DATA.read_text())["user"]:
        for release in RELEASES:
            flags = [e["flags"] for e in user["flags"] if number(e["since"]) <= number(release)]
            if flags and flags[-1]:
                yield pytest.param(tuple(flags[-1]), release, id=f"{user['name']} {release}")


@pytest.mark.parametrize(("flags", "release"), list(cases()))
def test_the_model_does_what_the_flags_mean(tool, flags, release):
    expected = "".join(
        situation for situation in tool.SITUATIONS if not meant(situation, flags, number(release))
    )
    assert tool.losses(flags, release) == expected


def test_the_data_are_well_formed(tool):
    for user in tool.users():
        since = [tool.number(entry["since"]) for entry in user["flags"]]
        assert since == sorted(since)
        assert all(user[key] for key in ("name", "privilege", "memlock", "life"))
        for entry in user["flags"]:
            assert set(entry["flags"]) <= FLAGS
            assert len({"GET", "PIN"} & set(entry["flags"])) == bool(entry["flags"])
            assert entry["source"]


def test_the_document_has_the_tables_of_the_data(tool):
    text = tool.DOCUMENT.read_text()
    assert tool.renewed(text) == text
