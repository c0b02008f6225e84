"""The verbs about files and what drivers have in theirs: entries for verbs.py."""

from __future__ import annotations

from pagefault.lang.slots import Slot, Verb
from pagefault.lang.words import WORDS

__all__ = ["FILE_VERBS"]

_FILE = Slot("file", "f")
_FILE_CELL = Slot("file_cell", "f[1]")
_VALUE = Slot("value", "5")

FILE_VERBS = (
    Verb(
        "pread",
        (_FILE_CELL,),
        "value",
        "reads a cell of a file; ENOENT beyond its end",
        "pread(2)",
        ("r0 = pread(f[1])",),
    ),
    Verb(
        "pwrite",
        (_FILE_CELL, _VALUE),
        "status",
        "writes a cell of a file, which grows to whole pages where it must",
        "pwrite(2)",
        ("pwrite(f[1], 5)", "r1 = pwrite(f[5], r0)"),
    ),
    Verb(
        "fsync",
        (_FILE,),
        "status",
        "writes to the disk what is dirty of a file, and waits for that",
        "fsync(2)",
        ("fsync(f)", "r0 = fsync(f)"),
    ),
    Verb(
        "truncate",
        (_FILE, Slot("number", "1")),
        "status",
        "makes a file so many pages long",
        "ftruncate(2)",
        ("truncate(f, 0)", "r0 = truncate(f, 2)"),
    ),
    Verb(
        "ioctl",
        (_FILE, Slot("words", group="ioctl", one_of=tuple(WORDS["ioctl"]))),
        "status",
        "asks a driver for something that concerns its buffer",
        "ioctl(2), setsockopt(2) or io_uring_register(2) of a driver",
        ("ioctl(f, discard)", "r0 = ioctl(f, realloc)"),
    ),
    Verb(
        "kread",
        (_FILE_CELL,),
        "value",
        "the kernel reads a driver's buffer by its own address; EINVAL where there is none",
        "bpf_map_lookup_elem()",
        ("r0 = kread(f[1])",),
    ),
    Verb(
        "kwrite",
        (_FILE_CELL, _VALUE),
        "status",
        "the kernel writes a driver's buffer by its own address; EINVAL where there is none",
        "bpf_map_update_elem()",
        ("kwrite(f[1], 5)", "r0 = kwrite(f[5], r0)"),
    ),
    Verb(
        "drop_cache",
        (_FILE,),
        "status",
        "takes what is clean and nobody maps out of the page cache of a file",
        "posix_fadvise(2), POSIX_FADV_DONTNEED, after fsync(2)",
        ("drop_cache(f)",),
    ),
)
