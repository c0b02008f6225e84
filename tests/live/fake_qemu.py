"""A QEMU whose guest is played: it reads the jobs from the initramfs and does what they are told.

A job's words: `say TEXT`, `record TEXT`, `sleep SECONDS`, `exit N`, `noise`, `crash`, `fall` (QEMU
itself does), `hang`, `lose FILE` (a frame gets lost, if FILE is not there yet).
The first serial port and the recorder are files, the second serial port is standard output, as for
the real one.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from pagefault.live.frames import Frame, write_frame


def archive(path: str) -> dict[str, bytes]:
    """The files of a newc archive."""
    data, at, files = Path(path).read_bytes(), 0, {}
    while True:
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        start = (at + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return files
        files[name] = data[start : start + size]
        at = (start + size + 3) & ~3


def send(kind: str, job: int, payload: bytes = b"") -> None:
    sys.stdout.buffer.write(write_frame(Frame(kind, job, payload)))
    sys.stdout.buffer.flush()


def main() -> None:
    line = sys.argv
    files = archive(line[line.index("-initrd") + 1])
    option = next(word for word in line if word.startswith("file,id=console"))
    console = Path(option.partition("path=")[2])
    option = next(word for word in line if word.startswith("file,id=recorder"))
    recorder = Path(option.partition("path=")[2])
    with console.open("a") as screen:
        print("Linux version 0", file=screen)
    if "broken" in line[line.index("-append") + 1]:
        return
    send("boot", -1, b"0.0-fake")
    send("feature", -1, b"swap=none here")
    send("feature", -1, b"numa=")
    for match in re.finditer(r"^job (\d+) (\d+) \d+ /(\S+)$", files["manifest"].decode(), re.M):
        number = int(match[1])
        assert match[3] in files
        play(number, files[f"jobs/{number}.argv"].decode().split("\0")[1:-1], console, recorder)
    send("done", -1)


def play(number: int, words: list[str], console: Path, recorder: Path) -> None:
    send("start", number)
    code, frames = "0", 0
    while words:
        match words.pop(0):
            case "say":
                send("out", number, words.pop(0).encode())
                frames += 1
            case "record":
                with recorder.open("a") as file:
                    file.write(words.pop(0))
            case "sleep":
                time.sleep(float(words.pop(0)))
            case "fall":
                sys.exit(3)
            case "lose":
                # What a first boot of the job loses: the file is there from the second on.
                frames += not Path(words[0]).exists()
                Path(words.pop(0)).touch()
            case "exit":
                code = words.pop(0)
            case "noise":
                send("err", number, b"before")
                frames += 1
                whole = write_frame(Frame("out", number, b"never whole"))
                os.write(1, b"[ 1.0] WARNING: " + whole[:20] + b"\xff\0\n" + whole[5:] + b"tail")
                os.write(1, whole.replace(b"@PF out", b"@PF err"))
            case "crash":
                with console.open("a") as screen:
                    print("[ 9.1] BUG: unable to handle page fault\x1b[0m", file=screen)
                sys.exit(0)
            case "hang":
                time.sleep(600)
    send("end", number, f"12 {frames} exit {code}".encode())


if __name__ == "__main__":
    main()
