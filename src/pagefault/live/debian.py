"""Kernel images from Debian, by the mirror that apt is configured to use."""

from __future__ import annotations

import hashlib
import lzma
import re
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pagefault.live import apt, kernels
from pagefault.live.errors import KernelError

__all__ = ["FLAVOURS", "RELEASES", "Package", "choose", "fetch", "packages", "stored_name"]

# Which suites have a kernel of which series.
RELEASES = {
    "5.10": ("bullseye",),
    "6.1": ("bookworm",),
    "6.12": ("trixie", "bookworm-backports"),
    "7": ("sid",),
}
FLAVOURS = ("amd64", "cloud-amd64", "rt-amd64")
INDEX = "main/binary-amd64/Packages.xz"
TIMEOUT = 60  # seconds without a byte
ATTEMPTS = 3
PIECE = 1 << 18

# A release as it stands in a package's name: 6.1.0-50, 6.12.95+deb12. Flavours hold no digit.
_RELEASE = re.compile(r"\d+(?:\.\d+)*(?:[-+][0-9a-z.]*\d[0-9a-z.]*)*")
_KEPT = re.compile(r"(^|/)(vmlinuz-[^/]*|vmlinuz|modules\.builtin|[^/]*\.ko(\.xz|\.zst|\.gz)?)$")

# What is being downloaded, bytes so far, bytes in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Package:
    """What an index says of a package."""

    name: str
    version: str
    filename: str
    """Below the mirror's base."""
    size: int
    sha256: str
    depends: tuple[str, ...]
    """Names only."""


def stored_name(series: str, flavour: str) -> str:
    """The name of a fetched image: the series, and the flavour unless it is the usual one."""
    if flavour == FLAVOURS[0]:
        return series
    return f"{series}-{flavour.removesuffix('-amd64')}"


def fetch(
    series: str,
    flavour: str = FLAVOURS[0],
    mirror: str | None = None,
    progress: Progress | None = None,
) -> kernels.Image:
    """Download the newest Debian kernel of a series and put it into the store, unless it is there.

    The suite's signed InRelease vouches for the index, and the index for the packages. Raises
    KernelError if there is no mirror, no network, no such kernel, or a hash does not fit.
    """
    net = _Net(progress or (lambda what, done, total: None))
    bases = [apt.Mirror(mirror.rstrip("/"))] if mirror else net.mirrors()
    failures: list[str] = []
    for suite in RELEASES[series]:
        for base in bases:
            try:
                index = net.index(base, suite)
            except _NotThereError as error:
                failures.append(str(error))
                continue
            wanted = choose(index.values(), series, flavour)
            if wanted is None:
                failures.append(f"{base.uri} has no {series} for {flavour} in {suite}")
                continue
            parts = [wanted, *(index[d] for d in wanted.depends if d in index)]
            source = f"Debian {suite}, {wanted.name} {wanted.version}"
            for image in kernels.images():
                if (image.name, image.source) == (stored_name(series, flavour), source):
                    return image
            return _install(net, base, parts, stored_name(series, flavour), source)
    raise KernelError(
        f"no kernel {series} for {flavour} to fetch: " + "; ".join(failures),
        "name another mirror with --mirror, or add an image of your own: pagefault kernels add",
    )


def packages(lines: Iterable[str]) -> Iterator[Package]:
    """The packages of an index whose names start with linux-."""
    for fields in apt.stanzas(_kernel_lines(lines)):
        try:
            yield Package(
                fields["package"],
                fields["version"],
                fields["filename"],
                int(fields["size"]),
                fields["sha256"].lower(),
                tuple(
                    part.split()[0]
                    for part in re.split(r"[,|]", fields.get("depends", ""))
                    if part.strip()
                ),
            )
        except (KeyError, ValueError):
            continue


def _kernel_lines(lines: Iterable[str]) -> Iterator[str]:
    """Of an index with 60,000 stanzas, the lines of those that may hold a kernel."""
    inside = False
    for line in lines:
        if line.startswith("Package: "):
            inside = line.startswith("Package: linux-")
        if inside:
            yield line
            inside = bool(line.strip())


def choose(index: Iterable[Package], series: str, flavour: str) -> Package | None:
    """The newest image of a series: a package linux-image-RELEASE-FLAVOUR, signed if there is one.

    Its dependencies of the same release hold what it does not hold itself: since 7.0 the boot image
    is in linux-binary-RELEASE-FLAVOUR, and the modules in linux-modules-RELEASE-FLAVOUR.
    """
    best: tuple[list[tuple[int, str]], bool, Package] | None = None
    for package in index:
        name = package.name.removesuffix("-unsigned")
        release = name.removeprefix("linux-image-").removesuffix(f"-{flavour}")
        if name != f"linux-image-{release}-{flavour}" or not _RELEASE.fullmatch(release):
            continue
        if not re.match(rf"{re.escape(series)}(?![0-9])", release):
            continue
        parts = tuple(d for d in package.depends if f"-{release}-" in d)
        found = Package(**{**vars(package), "depends": parts})
        rank = (_version_key(package.version), name == package.name, found)
        if best is None or rank[:2] > best[:2]:
            best = rank
    return best[2] if best else None


def _version_key(version: str) -> list[tuple[int, str]]:
    """Orders kernel versions: numbers by value. (They use no more of deb-version(7).)"""
    return [(int(n) if n else -1, word) for n, word in re.findall(r"(\d+)|(\D+)", version)]


class _NotThereError(Exception):
    """A mirror lacks a file, or can't be reached."""


class _Net:
    """Downloads as apt would: by its proxies, checked by hash."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.settings = apt.settings()
        self.apt_folder = apt.folder(self.settings)

    def mirrors(self) -> list[apt.Mirror]:
        """The mirrors that apt names. Raises KernelError if there is none."""
        found = apt.mirrors(self.apt_folder)
        if not found:
            raise KernelError(
                f"apt's configuration ({self.apt_folder}) names no Debian mirror",
                "name one with --mirror URI, or add an image of your own: pagefault kernels add",
            )
        return found

    @contextmanager
    def _open(self, uri: str) -> Iterator[IO[bytes]]:
        handlers = []
        proxies = apt.proxies(self.settings, uri)
        if proxies is not None:
            handlers.append(urllib.request.ProxyHandler(proxies))
        opener = urllib.request.build_opener(*handlers)
        opener.addheaders = [("User-Agent", "pagefault")]
        with opener.open(uri, timeout=TIMEOUT) as answer:
            yield answer

    def download(self, uri: str, to: Path, what: str, sha256: str | None = None) -> None:
        """One file. Raises _NotThereError after some attempts, KernelError if its hash is wrong."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                digest = self._download(uri, to, what)
                break
            except urllib.error.HTTPError as error:
                if error.code < 500 or attempt == ATTEMPTS:
                    raise _NotThereError(f"{uri}: {error.code} {error.reason}") from None
            except urllib.error.URLError as error:  # no such host, no route: it will not get better
                raise _NotThereError(f"{uri}: {error.reason}") from None
            except (OSError, ValueError) as error:
                if attempt == ATTEMPTS:
                    raise _NotThereError(f"{uri}: {error}") from None
        if sha256 is not None and digest != sha256:
            raise KernelError(f"{uri}: SHA256 is {digest}, and should be {sha256}")

    def _download(self, uri: str, to: Path, what: str) -> str:
        digest = hashlib.sha256()
        done = 0
        with self._open(uri) as answer, to.open("wb") as file:
            length = getattr(answer, "headers", {}).get("Content-Length") or "0"
            total = int(length) if length.isdigit() else 0
            while piece := answer.read(PIECE):
                file.write(piece)
                digest.update(piece)
                done += len(piece)
                self.progress(what, done, total)
        if total and done < total:
            raise OSError(f"the connection ended after {done} of {total} bytes")
        return digest.hexdigest()

    def index(self, base: apt.Mirror, suite: str) -> dict[str, Package]:
        """The kernel packages of a suite by name, checked against its InRelease."""
        with tempfile.TemporaryDirectory(prefix="pagefault-index-") as made:
            release, index = Path(made) / "InRelease", Path(made) / "Packages.xz"
            dists = f"{base.uri}/dists/{suite}"
            self.download(f"{dists}/InRelease", release, f"{suite}: release file")
            text = _verified(release, base.keyrings, suite)
            match = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {re.escape(INDEX)}$", text, re.MULTILINE)
            if match is None:
                raise _NotThereError(f"{dists}/InRelease: lists no {INDEX}")
            self.download(f"{dists}/{INDEX}", index, f"{suite}: list of packages", match[1])
            try:
                with lzma.open(index, "rt", errors="replace") as lines:
                    return {package.name: package for package in packages(lines)}
            except (lzma.LZMAError, EOFError) as error:
                raise KernelError(f"{dists}/{INDEX}: {error}") from None


def _verified(release: Path, keyrings: tuple[Path, ...], suite: str) -> str:
    """The text of an InRelease. Its signature is checked where gpgv and a keyring are there.

    Raises KernelError for a signature that none of the keys made.
    """
    tool = shutil.which("gpgv")
    if tool is None or not keyrings:
        return release.read_text(errors="replace")
    line = [tool, "--status-fd", "2", "--output", "-"]
    line += [word for keyring in keyrings for word in ("--keyring", str(keyring))]
    done = subprocess.run([*line, str(release)], capture_output=True, check=False)
    # One good signature is enough: a suite is signed by the keys of several releases. A key may
    # have expired since, for the release file of a suite that is closed is never signed again.
    if not re.search(rb"^\[GNUPG:\] (GOODSIG|EXPKEYSIG) ", done.stderr, re.MULTILINE):
        raise KernelError(
            f"the release file of {suite} is signed by none of apt's keys",
            "Debian: apt install debian-archive-keyring brings the keys of newer suites",
        )
    return done.stdout.decode(errors="replace")


def _install(
    net: _Net, base: apt.Mirror, parts: list[Package], name: str, source: str
) -> kernels.Image:
    """Download packages and put the image that they hold into the store."""
    kernels.store().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=kernels.store()) as made:
        root = Path(made) / "root"
        for part in parts:
            deb = Path(made) / "package.deb"
            try:
                net.download(f"{base.uri}/{part.filename}", deb, part.name, part.sha256)
            except _NotThereError as error:
                raise KernelError(str(error)) from None
            unpack(deb, root)
            deb.unlink()
        found = sorted(root.rglob("vmlinuz*"))
        if not found:
            names = ", ".join(part.name for part in parts)
            raise KernelError(f"no boot image in {names}", "is the kernel in another package now?")
        has_modules = next(root.rglob("*.ko*"), None) is not None
        return kernels.add(found[0], name, root if has_modules else None, source)


def unpack(deb: Path, root: Path) -> None:
    """Of a Debian package, the boot image and the modules. Raises KernelError if it is damaged."""
    tool = shutil.which("dpkg-deb")
    try:
        if tool:
            line = [tool, "--fsys-tarfile", str(deb)]
            with subprocess.Popen(
                line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as process:
                assert process.stdout is not None
                with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                    _extract(archive, root)
                process.stdout.read()
        else:
            with _data_member(deb) as data, tarfile.open(fileobj=data, mode="r|*") as archive:
                _extract(archive, root)
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise KernelError(f"{deb.name}: can't be unpacked: {error}") from None


def _extract(archive: tarfile.TarFile, root: Path) -> None:
    for member in archive:
        path = member.name.removeprefix("./")
        if not member.isfile() or not _KEPT.search(path) or ".." in path.split("/"):
            continue
        content = archive.extractfile(member)
        assert content is not None
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            shutil.copyfileobj(content, file, PIECE)


@contextmanager
def _data_member(deb: Path) -> Iterator[IO[bytes]]:
    """The member data.tar.* of a package, which is an ar archive (deb(5)), at its start."""
    with deb.open("rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise KernelError(f"{deb.name}: not a Debian package")
        while header := file.read(60):
            name, size = header[:16].decode(errors="replace").strip(" /"), header[48:58].strip()
            if not size.isdigit():
                break
            if name.startswith("data.tar"):
                yield file
                return
            file.seek(int(size) + int(size) % 2, 1)
    raise KernelError(f"{deb.name}: a Debian package without data.tar")
