"""Kernel images: what is one, where they are kept, and how one is fetched."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import shutil
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from pagefault.cli import kernels as verb
from pagefault.cli.app import run
from pagefault.live import apt, debian, kernels
from pagefault.live.errors import KernelError
from pagefault.live.modules import load_order, modinfo, store_modules

MakeImage = Callable[..., Path]


# ---- boot images and the store ----


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAGEFAULT_KERNELS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def boot_image(tmp_path: Path) -> Callable[..., Path]:
    """Makes a file with the header of a bzImage (Documentation/arch/x86/boot.rst)."""

    def make(release: str = "6.12.1-mine", name: str = "bzImage", flags: int = 1) -> Path:
        head = bytearray(8192)
        head[0x1FE:0x200] = b"\x55\xaa"
        head[0x202:0x206] = b"HdrS"
        struct.pack_into("<H", head, 0x20E, 0x1000 - 0x200)
        struct.pack_into("<H", head, 0x236, flags)
        text = f"{release} (me@here) #1 SMP\0".encode()
        head[0x1000 : 0x1000 + len(text)] = text
        path = tmp_path / name
        path.write_bytes(head)
        return path

    return make


def test_release_is_read_from_the_header(boot_image: MakeImage) -> None:
    assert kernels.release_of(boot_image("5.10.0-32-amd64")) == "5.10.0-32-amd64"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a Linux boot image"),
        (b"\x7fELF" + bytes(4096), "an ELF file"),
        (bytes(4096), "not a Linux boot image"),
    ],
)
def test_other_files_are_no_boot_image(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(KernelError, match=why):
        kernels.release_of(path)


def test_32_bit_kernel_is_refused(boot_image: MakeImage) -> None:
    with pytest.raises(KernelError, match="32-bit"):
        kernels.release_of(boot_image(flags=0))


def test_added_image_is_found_by_name(store: Path, boot_image: MakeImage) -> None:
    added = kernels.add(boot_image("6.1.2"), "mine")
    assert added == kernels.find("mine") == kernels.images()[0]
    assert (added.release, added.modules) == ("6.1.2", None)
    assert added.path.is_relative_to(store)
    assert kernels.add(boot_image("6.1.3")).name == "6.1.3"
    kernels.remove("mine")
    assert [image.name for image in kernels.images()] == ["6.1.3"]


def test_image_is_replaced_by_one_of_the_same_name(store: Path, boot_image: MakeImage) -> None:
    kernels.add(boot_image("6.1.2"), "mine")
    assert kernels.add(boot_image("6.1.3"), "mine").release == "6.1.3"
    assert [path.name for path in store.iterdir()] == ["mine"]


def test_path_is_an_image_without_being_added(store: Path, boot_image: MakeImage) -> None:
    path = boot_image("6.1.2")
    assert kernels.find(str(path)).path == path
    with pytest.raises(KernelError, match="no kernel image 'other'"):
        kernels.find("other")


@pytest.mark.parametrize("name", ["", "a/b", "..", "host", ".hidden", "a b"])
def test_bad_names_are_refused(store: Path, boot_image: MakeImage, name: str) -> None:
    with pytest.raises(KernelError, match="no name"):
        kernels.add(boot_image(), name)


def test_damaged_store_is_no_traceback(store: Path, boot_image: MakeImage) -> None:
    kernels.add(boot_image(), "mine")
    (store / "mine" / "image.json").write_text('["no", "table"]')
    (store / "other").mkdir()
    assert kernels.images() == []


# ---- modules ----


def module(depends: str = "", softdep: str = "", alias: str = "") -> bytes:
    fields = [f"depends={depends}"]
    fields += [f"softdep={softdep}"] if softdep else []
    fields += [f"alias={alias}"] if alias else []
    return b"\x7fELF rest\0" + b"".join(f.encode() + b"\0" for f in fields) + b"more"


def test_modinfo_is_read_from_the_module() -> None:
    fields = modinfo(module("mbcache,jbd2", "pre: crc32c post: x"))
    assert fields["depends"] == ["mbcache,jbd2"]
    assert fields["softdep"] == ["pre: crc32c post: x"]


def test_modules_are_stored_with_what_they_need(tmp_path: Path) -> None:
    tree = tmp_path / "6.1" / "kernel"
    tree.mkdir(parents=True)
    (tree / "ext4.ko.xz").write_bytes(lzma.compress(module("mbcache,jbd2", "pre: crc32c")))
    (tree / "mbcache.ko").write_bytes(module())
    (tree / "jbd2.ko").write_bytes(module())
    (tree / "crc32c-generic.ko").write_bytes(module(alias="crc32c"))
    (tree / "sound.ko").write_bytes(module())
    (tree.parent / "modules.builtin").write_text("kernel/block/virtio-blk.ko\n")
    flat = tmp_path / "flat"
    stored = store_modules(tree.parent, flat, ["ext4", "crc32c_generic", "virtio_blk"])
    assert stored == ["crc32c_generic", "ext4", "jbd2", "mbcache"]
    order = [path.stem for path in load_order(flat, ["ext4", "virtio_blk"])]
    assert order == ["mbcache", "jbd2", "crc32c_generic", "ext4"]
    assert (flat / "builtin").read_text() == "virtio_blk\n"


def test_modules_that_need_each_other_are_no_loop(tmp_path: Path) -> None:
    (tmp_path / "a.ko").write_bytes(module("b"))
    (tmp_path / "b.ko").write_bytes(module("a"))
    assert [path.stem for path in load_order(tmp_path, ["a"])] == ["b", "a"]
    assert load_order(None, ["a"]) == []


def test_modules_of_another_release_are_refused(
    store: Path, boot_image: MakeImage, tmp_path: Path
) -> None:
    tree = tmp_path / "lib" / "modules" / "5.10.1"
    tree.mkdir(parents=True)
    (tree / "loop.ko").write_bytes(module())
    with pytest.raises(KernelError, match=r"modules of 5\.10\.1, but the image is 6\.1\.2"):
        kernels.add(boot_image("6.1.2"), "mine", tree)
    with pytest.raises(KernelError, match="no folder of modules"):
        kernels.add(boot_image("6.1.2"), "mine", tmp_path / "none")
    assert kernels.images() == []
    found = kernels.add(boot_image("5.10.1"), "mine", tmp_path)
    assert kernels.as_json(found)["modules"] == ["loop"]


# ---- what apt is configured to do ----


def test_mirror_is_read_from_apt_sources(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    keyring = tmp_path / "keys.gpg"
    keyring.touch()
    (parts / "debian.sources").write_text(
        "# a comment\nTypes: deb deb-src\nURIs: http://one.example/debian/\n"
        f"Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: {keyring}\n\n"
        "Types: deb\nURIs: http://in.example/debian\nSuites: sid\nSigned-By:\n"
        " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n\n"
        "Types: deb\nURIs: http://one.example/security\nSuites: bookworm-security\n"
        "Components: main\n\n"
        "Enabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: sid\n"
    )
    (tmp_path / "sources.list").write_text(
        "# deb http://comment.example/debian sid main\n"
        "deb [arch=amd64 signed-by=/no/such/file] https://two.example/debian trixie main # x\n"
        "deb-src http://source.example/debian sid main\n"
        "deb https://vendor.example/apt nodistro main\n"
    )
    assert apt.mirrors(tmp_path) == [
        apt.Mirror("https://two.example/debian"),
        apt.Mirror("http://one.example/debian", (keyring,)),
        apt.Mirror("http://in.example/debian"),
    ]


def test_list_of_mirrors_is_followed(tmp_path: Path) -> None:
    listed = tmp_path / "mirrors.list"
    listed.write_text("# first\nhttp://a.example/debian/\tpriority:1\n\nhttp://b.example/debian\n")
    (tmp_path / "sources.list").write_text(f"deb mirror+file:{listed} sid main\n")
    assert [m.uri for m in apt.mirrors(tmp_path)] == [
        "http://a.example/debian",
        "http://b.example/debian",
    ]


def test_proxy_is_the_one_of_apt() -> None:
    told = {
        "acquire::http::proxy": "http://p.example:3128",
        "acquire::http::proxy::near.example": "DIRECT",
    }
    assert apt.proxies(told, "http://far.example/x") == {"http": "http://p.example:3128"}
    assert apt.proxies(told, "http://near.example/x") == {}
    assert apt.proxies({}, "http://far.example/x") is None


# ---- the index ----


def stanza(name: str, version: str, depends: str = "", **more: str) -> str:
    fields = {
        "Package": name,
        "Version": version,
        "Depends": depends,
        "Filename": f"pool/{name}.deb",
        "Size": "100",
        "SHA256": "0" * 64,
        **more,
    }
    return "".join(f"{key}: {value}\n" for key, value in fields.items()) + "\n"


INDEX = (
    stanza("zsh", "5.9")
    + stanza("linux-image-amd64", "6.12.95-1", "linux-image-6.12.95-amd64 (= 6.12.95-1)")
    + stanza("linux-image-6.12.9-amd64", "6.12.9-1", "kmod")
    + stanza("linux-image-6.12.95+deb13-amd64-unsigned", "6.12.95-1")
    + stanza("linux-image-6.12.95+deb13-amd64", "6.12.95-1", "kmod, a | b (>= 1)")
    + stanza("linux-image-6.12.95+deb13-amd64-dbg", "6.12.95-1")
    + stanza("linux-image-6.12.99+deb13-cloud-amd64", "6.12.99-1")
    + stanza("linux-image-6.12.98-rt-amd64", "6.12.98-1")
    + stanza("linux-image-6.1.0-50-amd64", "6.1.176-1")
    + stanza("linux-image-6.1.0-0.deb11.52-cloud-amd64", "6.1.170-1")
    + stanza(
        "linux-image-7.2.13+deb14-amd64",
        "7.2.13-1",
        "dracut | x, linux-base-7.2.13+deb14-amd64 (= 7.2.13-1), "
        "linux-binary-7.2.13+deb14-amd64 (= 7.2.13-1), linux-modules-7.2.13+deb14-amd64",
    )
    + stanza("linux-broken", "1", SHA256="", Size="many")
    + "Package: linux-nothing-else\n"
)


@pytest.mark.parametrize(
    ("series", "flavour", "name"),
    [
        ("6.12", "amd64", "linux-image-6.12.95+deb13-amd64"),
        ("6.12", "cloud-amd64", "linux-image-6.12.99+deb13-cloud-amd64"),
        ("6.12", "rt-amd64", "linux-image-6.12.98-rt-amd64"),
        ("6.1", "amd64", "linux-image-6.1.0-50-amd64"),
        ("6.1", "cloud-amd64", "linux-image-6.1.0-0.deb11.52-cloud-amd64"),
        ("7", "amd64", "linux-image-7.2.13+deb14-amd64"),
        ("5.10", "amd64", None),
        ("7", "rt-amd64", None),
    ],
)
def test_newest_signed_image_of_a_series_is_chosen(
    series: str, flavour: str, name: str | None
) -> None:
    found = debian.choose(debian.packages(INDEX.splitlines(keepends=True)), series, flavour)
    assert (found.name if found else None) == name


def test_image_in_parts_names_its_parts() -> None:
    found = debian.choose(debian.packages(INDEX.splitlines(keepends=True)), "7", "amd64")
    assert found is not None
    assert found.depends == (
        "linux-base-7.2.13+deb14-amd64",
        "linux-binary-7.2.13+deb14-amd64",
        "linux-modules-7.2.13+deb14-amd64",
    )


# ---- a fetch, from a mirror in a folder ----


def make_deb(path: Path, files: dict[str, bytes]) -> None:
    """A Debian package: an ar archive with a data.tar.xz (deb(5))."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode="w:xz"):
        pass
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": control.getvalue(),
        "data.tar.xz": data.getvalue(),
    }
    with path.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, content in members.items():
            file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
            file.write(content + b"\n" * (len(content) % 2))


@pytest.fixture
def mirror(tmp_path: Path, boot_image: MakeImage) -> Path:
    """A mirror whose bullseye has a kernel in two packages."""
    base = tmp_path / "mirror"
    dists = base / "dists" / "bullseye" / "main" / "binary-amd64"
    dists.mkdir(parents=True)
    (base / "pool").mkdir()
    release = "5.10.0-9-amd64"
    kernel = boot_image(release).read_bytes()
    parts = {
        f"linux-image-{release}": {"./usr/share/doc/x": b"text", "./../evil/vmlinuz-x": b"no"},
        f"linux-binary-{release}": {f"./boot/vmlinuz-{release}": kernel},
        f"linux-modules-{release}": {
            f"./lib/modules/{release}/kernel/loop.ko": module(),
            f"./lib/modules/{release}/modules.builtin": b"kernel/fs/ext4/ext4.ko\n",
        },
    }
    text = ""
    for name, files in parts.items():
        deb = base / "pool" / f"{name}.deb"
        make_deb(deb, files)
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        depends = ", ".join(part for part in parts if part != name)
        text += stanza(name, "5.10.1-1", depends, SHA256=digest)
    index = lzma.compress(text.encode())
    (dists / "Packages.xz").write_bytes(index)
    (base / "dists" / "bullseye" / "InRelease").write_text(
        f"Suite: x\nSHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} {debian.INDEX}\n"
    )
    return base


@pytest.mark.parametrize("tool", ["dpkg-deb", "none"])
def test_fetch_brings_image_and_modules(
    store: Path, mirror: Path, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if tool == "none":
        monkeypatch.setenv("PATH", "")
    seen: list[str] = []
    image = debian.fetch("5.10", mirror=mirror.as_uri(), progress=lambda w, d, t: seen.append(w))
    assert (image.name, image.release) == ("5.10", "5.10.0-9-amd64")
    assert kernels.as_json(image)["modules"] == ["loop"]
    assert "Debian bullseye" in image.source
    assert seen[0] == "bullseye: release file"
    assert not (store.parent / "evil").exists()
    assert [path.name for path in store.iterdir()] == ["5.10"]


def test_image_that_is_there_is_not_fetched_again(store: Path, mirror: Path) -> None:
    image = debian.fetch("5.10", mirror=mirror.as_uri())
    seen: list[str] = []
    again = debian.fetch("5.10", mirror=mirror.as_uri(), progress=lambda w, d, t: seen.append(w))
    assert again == image
    assert not [what for what in seen if what.startswith("linux-")]


def test_package_that_was_tampered_with_is_refused(store: Path, mirror: Path) -> None:
    deb = mirror / "pool" / "linux-binary-5.10.0-9-amd64.deb"
    deb.write_bytes(deb.read_bytes() + b"x")
    with pytest.raises(KernelError, match="SHA256 is"):
        debian.fetch("5.10", mirror=mirror.as_uri())
    assert kernels.images() == []


def test_index_that_was_tampered_with_is_refused(store: Path, mirror: Path) -> None:
    index = mirror / "dists" / "bullseye" / debian.INDEX
    index.write_bytes(lzma.compress(b"Package: linux-image-5.10.0-9-amd64\n"))
    with pytest.raises(KernelError, match="SHA256 is"):
        debian.fetch("5.10", mirror=mirror.as_uri())


def test_release_file_must_be_signed_by_a_known_key(store: Path, mirror: Path) -> None:
    if shutil.which("gpgv") is None:
        pytest.skip("no gpgv here")
    release = mirror / "dists" / "bullseye" / "InRelease"
    keyring = mirror / "keys.gpg"
    keyring.touch()
    assert "SHA256" in debian._verified(release, (), "bullseye")
    with pytest.raises(KernelError, match="signed by none of apt's keys"):
        debian._verified(release, (keyring,), "bullseye")


def test_damaged_package_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deb = tmp_path / "x.deb"
    deb.write_bytes(b"!<arch>\nnothing")
    with pytest.raises(KernelError):
        debian.unpack(deb, tmp_path / "root")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KernelError):
        debian.unpack(deb, tmp_path / "root")


# ---- the command ----


def test_listing_shows_what_is_there_and_what_can_be_fetched(
    store: Path, boot_image: MakeImage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["kernels", "add", str(boot_image("6.1.2")), "--name", "mine"]) == 0
    assert run(["kernels"]) == 0
    shown = capsys.readouterr().out
    assert "mine  6.1.2    " in shown
    assert "to fetch: Debian bullseye" in shown
    assert run(["kernels", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(k["name"], k["present"]) for k in told["kernels"]][:2] == [
        ("mine", True),
        ("5.10", False),
    ]


def test_fetch_by_the_command(
    store: Path, mirror: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["kernels", "fetch", "5.10", "--mirror", mirror.as_uri(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kernels"][0]["release"] == "5.10.0-9-amd64"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["fetch", "5.10", "--mirror", "file:///no/such/mirror"], "no kernel 5.10 for amd64"),
        (["fetch", "5.10", "--mirror", "nonsense"], "no kernel 5.10 for amd64"),
        (["fetch", "4.19"], "is not one of"),
        (["add", "/no/such/file"], "No such file"),
        (["add", "."], "directory"),
        (["add", "/dev/null"], "not a Linux boot image"),
        (["remove", "none"], "no kernel image 'none'"),
        (["probe", "none"], "no kernel image 'none'"),
        (["--json", "remove", "none"], "--json comes after remove"),
    ],
)
def test_user_errors_are_sentences(
    store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert run(["kernels", *arguments]) == 2
    assert why in capsys.readouterr().err


def test_without_apt_sources_fetch_says_so(
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(apt, "folder", lambda told: tmp_path / "etc")
    assert run(["kernels", "fetch", "6.1"]) == 2
    assert "names no Debian mirror" in capsys.readouterr().err


def test_choices_of_the_command_are_those_of_the_library() -> None:
    assert tuple(debian.RELEASES) == verb.SERIES
    assert debian.FLAVOURS == verb.FLAVOURS


def test_help_teaches() -> None:
    shown = CliRunner().invoke(verb.kernels, ["--help"]).output
    assert "pagefault kernels fetch 5.10" in shown
