"""The header: TOML between two `+++` lines."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from typing import Any

from pagefault.errors import LitmusError
from pagefault.lang._text import Source, did_you_mean, listing
from pagefault.lang.program import Expectation, Header
from pagefault.verdict import GRAINS, Verdict

__all__ = ["GRAIN_WORDS", "parse_header"]

GRAIN_WORDS: Mapping[str, tuple[str, ...]] = {"op": ("op",), "step": ("step",), "both": GRAINS}

_KEYS = ("title", "source", "author", "requires", "danger", "expect")
_CLAIM_KEYS = ("verdict", "grain", "breaks", "by", "why")

Keys = tuple[str | int, ...]
_TABLE = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'{])*(?P<at>\{)""")
"""The next brace that stands in no string."""
_SECTION = re.compile(r"^\s*(?P<at>\[\[)")


def parse_header(source: Source, text: str, end: int) -> Header:
    """The header whose TOML is `text` (line numbers as in the file); `end` is the closing line."""
    return _Reader(source, end).header(_toml(source, text, end))


def _toml(source: Source, text: str, end: int) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = re.search(r" \(at line (\d+), column (\d+)\)$", message)
        last = max(n for n in range(1, end) if source.lines[n - 1].strip())
        line, column = (int(place[1]), int(place[2])) if place else (last, 1)
        message = re.sub(r" \(at .*\)$", "", message)
        raise source.error(
            f"the header is not TOML: {message[:1].lower()}{message[1:]}",
            line,
            column,
            'a header line is key = "text"; strings stand in double quotes',
        ) from None
    except (ValueError, RecursionError):  # Python's own limits
        raise source.error("the header has a huge number or nests too deep", 1, 1) from None


class _Reader:
    """Checks the shape of the parsed header; finds the places of keys and values in the text."""

    def __init__(self, source: Source, end: int) -> None:
        self.source = source
        self.end = end

    def header(self, data: dict[str, Any]) -> Header:
        self.keys(data, _KEYS, ())
        for key, what in (
            ("title", "one sentence that says what happens"),
            ("source", "a URL, a mail, a commit, a CVE or a selftest"),
        ):
            if key not in data:
                raise self.source.error(
                    f"the header has no {key}", self.end, 1, f'add {key} = "..." ({what})'
                )
        return Header(
            title=self.sentence(data, "title"),
            source=self.sentence(data, "source"),
            author=self.sentence(data, "author") if "author" in data else None,
            requires=self.strings(data, ("requires",)),
            danger=self.sentence(data, "danger") if "danger" in data else None,
            expect=self.expect(data.get("expect", {})),
        )

    def expect(self, data: object) -> tuple[Expectation, ...]:
        if not isinstance(data, dict):
            raise self.error(
                "expect is a table", ("expect",), hint="write [expect] on a line of its own"
            )
        found = []
        for design, claims in data.items():
            keys = ("expect", design)
            if not _is_line(design):
                raise self.error(f"{design!r} can't name a design", ("expect",))
            several = claims if isinstance(claims, list) and claims else [claims]
            seen: set[str] = set()
            for number, claim in enumerate(several):
                if not isinstance(claim, dict):
                    raise self.error(
                        f"the claim for {design} is not a table",
                        keys,
                        hint=f'"{design}" = {{ verdict = "Never", grain = "op" }}',
                    )
                where = (*keys, number) if isinstance(claims, list) else keys
                expectation = self.claim(design, claim, where)
                if seen & set(expectation.grains):
                    raise self.error(f"two claims for {design} at one grain", keys)
                seen.update(expectation.grains)
                found.append(expectation)
        return tuple(found)

    def claim(self, design: str, claim: dict[str, Any], keys: Keys) -> Expectation:
        self.keys(claim, _CLAIM_KEYS, keys)
        verdict = self.word(claim, (*keys, "verdict"), [v.value for v in Verdict])
        grain = self.word(claim, (*keys, "grain"), list(GRAIN_WORDS))
        return Expectation(
            design=design,
            verdict=Verdict(verdict),
            grains=GRAIN_WORDS[grain],
            breaks=self.strings(claim, (*keys, "breaks")),
            by=self.sentence(claim, *keys, "by") if "by" in claim else None,
            why=self.sentence(claim, *keys, "why") if "why" in claim else None,
            at=self.source.place(*self.place(keys[:2])),
            breaks_at=self.source.place(*self.place((*keys, "breaks"), value=True)),
        )

    def keys(self, data: dict[str, Any], known: tuple[str, ...], keys: Keys) -> None:
        for key in data:
            if key not in known:
                where = f"in the claim for {keys[1]}" if keys else "in the header"
                raise self.error(
                    f"unknown key {key!r} {where}",
                    (*keys, key),
                    hint=did_you_mean(key, known) or f"the keys are {listing(known, 'and')}",
                )

    def word(self, claim: dict[str, Any], keys: Keys, known: list[str]) -> str:
        key, design = keys[-1], keys[1]
        if key not in claim:
            raise self.error(
                f"the claim for {design} has no {key}",
                keys[:-1],
                hint=f'add {key} = "{known[0]}" ({listing(known)})',
            )
        value = claim[key]
        if not isinstance(value, str) or value not in known:
            near = did_you_mean(value, known) if isinstance(value, str) else ""
            raise self.error(
                f"unknown {key} {value!r}" if isinstance(value, str) else f"{key} is not a string",
                keys,
                value=True,
                hint=near or f"a {key} is {listing(known)}",
            )
        return value

    def sentence(self, data: dict[Any, Any], *keys: str | int) -> str:
        value = data[keys[-1]]
        if not _is_line(value):
            raise self.error(
                f"{keys[-1]} is not one line of text", keys, True, f'{keys[-1]} = "..."'
            )
        assert isinstance(value, str)
        return value

    def strings(self, data: dict[Any, Any], keys: Keys) -> tuple[str, ...]:
        value = data.get(keys[-1], [])
        values = [value] if isinstance(value, str) else value
        if not (isinstance(values, list) and all(_is_line(v) for v in values)):
            raise self.error(
                f"{keys[-1]} is not a string or a list of strings",
                keys,
                value=True,
                hint=f'{keys[-1]} = "..." or {keys[-1]} = ["...", "..."]',
            )
        return tuple(values)

    def error(self, message: str, keys: Keys, value: bool = False, hint: str = "") -> LitmusError:
        return self.source.error(message, *self.place(keys, value), hint)

    def place(self, keys: Keys, value: bool = False) -> tuple[int, int]:
        """Line and column of a key, or of its value; of the header's end if it is not found.

        The TOML parser gives no places, so look for the keys one after the other in the text; a
        number is that of a table in a list.
        """
        place, line, start = (self.end, 1), 1, 0
        for key in keys:
            is_section = self.source.lines[line - 1].lstrip().startswith("[[")
            for pattern in _patterns(key, is_section):
                line, match = self.search(pattern, line, start)
                if match is None:
                    return place
                start = match.end()
                place = line, (start if value else match.start("at")) + 1
        return place

    def search(
        self, pattern: re.Pattern[str], first: int, start: int
    ) -> tuple[int, re.Match[str] | None]:
        """Where it stands in the header, from `start` in the line `first` on."""
        for line in range(first, self.end):
            text = self.source.lines[line - 1]
            match = pattern.search(text, start if line == first else 0)
            if match and not text.lstrip().startswith("#"):
                return line, match
        return self.end, None


def _patterns(key: str | int, is_section: bool) -> list[re.Pattern[str]]:
    """What to look for, one after the other; a section `[[...]]` is the first of its tables."""
    if isinstance(key, str):
        return [re.compile(rf"(?<![\w-])(?P<at>([\"']?){re.escape(key)}\2)\s*(=|\]|\.)\s*")]
    return [_SECTION] * key if is_section else [_TABLE] * (key + 1)


def _is_line(value: object) -> bool:
    """Whether it is one line of text that can be printed as it is."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and not any(unicodedata.category(char) == "Cc" for char in value)
    )
