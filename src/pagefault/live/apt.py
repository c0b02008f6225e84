"""What apt is configured to do here: which Debian mirror, by which proxy, trusting which keys.

Sources: sources.list(5), apt.conf(5) and apt-transport-http(1).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["Mirror", "folder", "mirrors", "proxies"]

_SUITES = {
    *("oldoldstable", "oldstable", "stable", "testing", "unstable", "experimental"),
    *("buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid"),
}
_POCKET = re.compile(r"-(updates|backports|proposed-updates)$")
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(.*)")
_SETTING = re.compile(r'^([A-Za-z0-9:._/-]+) "(.*)";$', re.MULTILINE)


@dataclass(frozen=True)
class Mirror:
    """A Debian mirror: its base, below which stand `dists` and `pool`, and who signs for it."""

    uri: str
    keyrings: tuple[Path, ...] = ()


def settings() -> dict[str, str]:
    """apt's settings, by lower-case name; empty where there is no apt."""
    tool = shutil.which("apt-config")
    if tool is None:
        return {}
    done = subprocess.run([tool, "dump"], capture_output=True, text=True, check=False)
    return {name.lower(): value for name, value in _SETTING.findall(done.stdout)}


def folder(told: dict[str, str]) -> Path:
    """The folder of apt's configuration."""
    return Path(told.get("dir", "/")) / told.get("dir::etc", "etc/apt").removesuffix("/")


def proxies(told: dict[str, str], uri: str) -> dict[str, str] | None:
    """The proxy that apt uses for a URI, as urllib wants it. None: as the environment says."""
    parts = urlsplit(uri)
    for scheme in (parts.scheme, "http"):
        for setting in (f"::{parts.hostname}", ""):
            proxy = told.get(f"acquire::{scheme}::proxy{setting}", "")
            if proxy:
                return {} if proxy == "DIRECT" else {parts.scheme: proxy}
    return None


def mirrors(where: Path) -> list[Mirror]:
    """The Debian mirrors that the sources below a folder name, in their order, each once."""
    trusted = tuple(sorted((where / "trusted.gpg.d").glob("*.gpg")))
    found: dict[str, Mirror] = {}
    for uri, suite, signed_by in _sources(where):
        if _POCKET.sub("", suite) not in _SUITES:
            continue
        keyrings = _keyrings(signed_by) if signed_by else trusted
        for base in _bases(uri):
            found.setdefault(base, Mirror(base, keyrings))
    return list(found.values())


def _keyrings(signed_by: str) -> tuple[Path, ...]:
    """The binary keyrings that a Signed-By names: of a key that stands there itself, none."""
    paths = (Path(word) for word in re.split(r"[,\s]+", signed_by) if word.startswith("/"))
    return tuple(path for path in paths if path.is_file() and path.suffix != ".asc")


def _bases(uri: str) -> Iterator[str]:
    """The base URIs that a source stands for: itself, or the lines of a list of mirrors."""
    if uri.startswith("mirror+file:"):
        listed = Path("/" + uri.partition(":")[2].lstrip("/"))
        lines = listed.read_text().splitlines() if listed.is_file() else []
        yield from (line.split()[0].rstrip("/") for line in lines if line and line[0] != "#")
    elif uri.startswith(("http:", "https:", "file:")):
        yield uri.rstrip("/")


def _sources(where: Path) -> Iterator[tuple[str, str, str]]:
    """URI, suite and Signed-By of every source of binary packages."""
    parts = where / "sources.list.d"
    for path in [where / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.is_file():
            yield from _one_line_sources(path.read_text(errors="replace"))
    for path in sorted(parts.glob("*.sources")):
        yield from _deb822_sources(path.read_text(errors="replace"))


def _one_line_sources(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        match = _ONE_LINE.match(line.partition("#")[0].strip())
        if match:
            options = dict(o.split("=", 1) for o in (match["options"] or "").split() if "=" in o)
            yield match["uri"], match["suite"], options.get("signed-by", "")


def _deb822_sources(text: str) -> Iterator[tuple[str, str, str]]:
    for fields in stanzas(text.splitlines()):
        enabled = fields.get("enabled", "yes").lower() not in {"no", "false", "off", "0"}
        if enabled and "deb" in fields.get("types", "").split():
            for uri in fields.get("uris", "").split():
                for suite in fields.get("suites", "").split():
                    yield uri, suite, fields.get("signed-by", "").strip()


def stanzas(lines: Iterator[str] | list[str]) -> Iterator[dict[str, str]]:
    """The paragraphs of a control file (deb822(5)), with their field names in lower case."""
    fields: dict[str, str] = {}
    name = ""
    for line in lines:
        line = line.rstrip("\n")
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif line[0] == "#":
            continue
        elif line[0] in " \t":
            if name in fields:
                fields[name] += "\n" + line.strip()
        else:
            name, _, value = line.partition(":")
            name = name.lower()
            fields[name] = value.strip()
    if fields:
        yield fields
