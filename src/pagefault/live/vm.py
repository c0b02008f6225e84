"""Jobs on a kernel image: batched into one boot of a virtual machine, and what became of each.

The guest's /init (guest/init.c) runs the jobs one after another and sends frames. If the kernel
dies or hangs, the job in flight has done it; those before keep their results, and those behind it
go on in a fresh boot.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from pagefault.live import qemu
from pagefault.live.errors import VmError
from pagefault.live.initramfs import Entry, cpio, guest_init, manifest
from pagefault.live.jobs import FEATURES, MODULE, Job, JobResult, Outcome
from pagefault.live.kernels import Image
from pagefault.live.modules import BUILTIN, load_order
from pagefault.live.session import Boot, Watch

__all__ = [
    "FEATURES",
    "Batch",
    "Job",
    "JobResult",
    "Options",
    "Outcome",
    "probe",
    "run",
    "run_batch",
]

# Set in each guest where the kernel has them. NUMA balancing changes PTEs behind a job's back.
SYSCTLS = {
    "vm.unprivileged_userfaultfd": "1",
    "kernel.io_uring_disabled": "0",
    "kernel.numa_balancing": "0",
    "kernel.randomize_va_space": "2",
}
MODULES_FOR = {"swap": ("virtio_pci", "virtio_blk"), "block": ("virtio_pci", "virtio_blk", "ext4")}
SWAP_SERIAL = "pfswap"
FILES_SERIAL = "pffiles"

KVM_TRIAL_SECONDS = 20.0
LONGEST_JOB = 1e6  # seconds
_MODULE_NEED = re.compile(rf"{MODULE}[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Options:
    """How guests are made."""

    accel: str = "tcg"
    """tcg, kvm, or auto: KVM if a trial boot comes up in time."""
    cpus: int = 2
    memory_mb: int = 1024
    """At least; large jobs get more."""
    boot_seconds: float = 120.0
    """How long a kernel may take to come up."""
    max_boots: int = 20
    """So often may a batch be booted, kernels that die included."""
    jobs_per_boot: int = 500
    sysctls: Mapping[str, str] = field(default_factory=dict)
    """What is set, by the name of a sysctl or by the path of a file."""
    append: str = ""
    """More kernel arguments."""


@dataclass(frozen=True)
class Batch:
    """All results of a batch, in the order of the jobs, and what is known of the guest."""

    results: list[JobResult]
    release: str
    """What uname -r said."""
    features: dict[str, str]
    """Of each feature: "" if the guest has it, else why not."""
    boots: int
    boot_seconds: float
    """Of the first boot: from the start of QEMU to the first frame of /init."""
    seconds: float
    accel: str


def run(
    image: Image,
    jobs: Sequence[Job],
    *,
    options: Options = Options(),
    stop: Event | None = None,
) -> list[JobResult]:
    """Run jobs on a kernel: a result for each, in their order. See run_batch()."""
    return run_batch(image, jobs, options=options, stop=stop).results


def run_batch(
    image: Image,
    jobs: Sequence[Job],
    *,
    options: Options = Options(),
    on_result: Callable[[JobResult], None] | None = None,
    stop: Event | None = None,
) -> Batch:
    """Run jobs on a kernel in as few boots as it takes.

    `on_result` is called for each result as it becomes known. Without jobs, the guest only tells
    its features. Raises VmError if QEMU is missing, a job makes no sense, the kernel does not come
    up, or `stop` is set meanwhile.
    """
    _check(jobs)
    qemu.qemu()  # the first thing to miss
    begin = time.monotonic()
    accel = _choose_accel(image, options)
    results: dict[int, JobResult] = {}
    first: Boot | None = None
    boots = 0
    while first is None or len(results) < len(jobs):
        if boots == options.max_boots:
            _give_up(jobs, results, f"the guest was booted {boots} times already")
            break
        boots += 1
        numbers = [n for n in range(len(jobs)) if n not in results][: options.jobs_per_boot]
        boot = _boot(image, {n: jobs[n] for n in numbers}, options, accel, boots, on_result, stop)
        if first is None and not boot.release:
            raise _did_not_come_up(image, boot, options)
        first = first or boot
        results |= boot.results
        if numbers and not boot.results:
            _give_up(jobs, results, "a fresh boot did not get as far as the next job")
            break
    assert first is not None
    return Batch(
        [results[n] for n in range(len(jobs))],
        first.release,
        first.features,
        boots,
        first.came_up,
        time.monotonic() - begin,
        accel,
    )


def probe(image: Image, options: Options = Options()) -> Batch:
    """Boot with everything that a guest can have, and tell its features. Raises as run_batch()."""
    # A job of no use that needs it all: the devices are set up for it, whether or not it then runs.
    with tempfile.NamedTemporaryFile() as empty:
        job = Job("probe", Path(empty.name), needs=frozenset({"swap", "block", "numa"}))
        return run_batch(image, [job], options=options)


def _check(jobs: Sequence[Job]) -> None:
    for job in jobs:
        for need in job.needs:
            if need not in FEATURES and not _MODULE_NEED.fullmatch(need):
                known = ", ".join(FEATURES)
                raise VmError(f"{job.name}: no guest offers {need!r}", f"there are: {known}")
        if not job.binary.is_file():
            raise VmError(f"{job.name}: no program at {job.binary}")
        if "\0" in "".join((job.name, *job.argv)):
            raise VmError(f"{job.name!r}: an argument with a NUL")
        if not 0 < job.timeout <= LONGEST_JOB:
            raise VmError(f"{job.name}: a time limit of {job.timeout:g} s")


def _give_up(jobs: Sequence[Job], results: dict[int, JobResult], why: str) -> None:
    for number, job in enumerate(jobs):
        if number not in results:
            results[number] = JobResult(job.name, Outcome.NOT_RUN, reason=why)


def _did_not_come_up(image: Image, boot: Boot, options: Options) -> VmError:
    how = f"within {options.boot_seconds:g} s" if boot.hung else "and the machine ended"
    tail = boot.console.strip() or "nothing"
    return VmError(
        f"the kernel {image.name} ({image.release}) did not start /init {how}",
        f"its console said last:\n{tail}",
    )


def _choose_accel(image: Image, options: Options) -> str:
    """tcg or kvm. With `auto`, KVM has booted this release in time since the host came up."""
    if options.accel != "auto":
        if options.accel not in {"tcg", "kvm"}:
            raise VmError(f"no accelerator {options.accel!r}", "there are: tcg, kvm, auto")
        return options.accel
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    file, told = qemu.remembered_kvm()
    key = f"{_host_boot()} {image.release}"
    if key not in told:
        trial = Options(cpus=options.cpus, boot_seconds=KVM_TRIAL_SECONDS)
        boot = _boot(image, {}, trial, "kvm", 1, None)
        told[key] = boot.done
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(told, indent=1))
    return "kvm" if told[key] else "tcg"


def _host_boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "?"


def _boot(
    image: Image,
    jobs: Mapping[int, Job],
    options: Options,
    accel: str,
    number: int,
    on_result: Callable[[JobResult], None] | None,
    stop: Event | None = None,
) -> Boot:
    """Boot once and run these jobs, as far as it goes."""
    boot = Boot()
    needs = {need for job in jobs.values() for need in job.needs}
    with tempfile.TemporaryDirectory(prefix="pagefault-vm-") as made:
        folder = Path(made)
        disks, uses, lacks = _disks(folder, needs)
        archive = _initramfs(image, jobs, needs, options, uses, lacks)
        (folder / "initramfs").write_bytes(archive)
        machine = qemu.Machine(
            accel,
            options.cpus,
            # The archive, what it unpacks to, and room to work.
            max(options.memory_mb, 512 + 3 * (len(archive) >> 20)),
            2 if "numa" in needs else 1,
        )
        line = qemu.command(
            machine,
            image.path,
            folder / "initramfs",
            folder / "console",
            folder / "recorder",
            disks,
            options.append,
        )
        watch = Watch(boot, jobs, number, options.boot_seconds, on_result, stop)
        watch.follow(line, folder)
    return boot


def _disks(folder: Path, needs: set[str]) -> tuple[dict[str, Path], dict[str, str], dict[str, str]]:
    """The disks that jobs need: their images, what the guest does with each, what can't be had."""
    disks: dict[str, Path] = {}
    uses: dict[str, str] = {}
    lacks: dict[str, str] = {}
    if "swap" in needs:
        disks[SWAP_SERIAL] = folder / "swap"
        qemu.make_swap_disk(disks[SWAP_SERIAL])
        uses["swap"] = SWAP_SERIAL
    if "block" in needs:
        why = qemu.make_files_disk(folder / "files")
        if why:
            lacks["block"] = why
        else:
            disks[FILES_SERIAL] = folder / "files"
            uses["files ext4"] = FILES_SERIAL
    return disks, uses, lacks


def _modules(image: Image, needs: set[str]) -> list[Path]:
    """The modules to load, in order."""
    names = [name for need in sorted(needs) for name in MODULES_FOR.get(need, ())]
    names += [need.removeprefix(MODULE) for need in sorted(needs) if need.startswith(MODULE)]
    return load_order(image.modules, names)


def _initramfs(
    image: Image,
    jobs: Mapping[int, Job],
    needs: set[str],
    options: Options,
    uses: Mapping[str, str],
    lacks: Mapping[str, str],
) -> bytes:
    modules = _modules(image, needs)
    entries = [Entry("init", guest_init())]
    entries += [Entry(f"modules/{path.name}", path.read_bytes()) for path in modules]
    entries += [Entry("tmp", mode=0o1777), Entry("dev")]
    binaries: dict[bytes, str] = {}
    lines = []
    for number, job in jobs.items():
        content = job.binary.read_bytes()
        digest = hashlib.sha256(content).digest()
        if digest not in binaries:
            binaries[digest] = f"bin/job{len(binaries)}"
            entries.append(Entry(binaries[digest], content))
        entries += _job_files(number, job)
        milliseconds = max(1, round(job.timeout * 1000))
        lines.append(f"job {number} {milliseconds} {job.uid} /{binaries[digest]}")
    names = [path.name for path in modules]
    if image.modules and (image.modules / BUILTIN).is_file():
        entries.append(Entry("builtin", (image.modules / BUILTIN).read_bytes(), 0o644))
    told = manifest(names, {**SYSCTLS, **options.sysctls}, uses, lacks, lines)
    return cpio([*entries, Entry("manifest", told, 0o644)])


def _job_files(number: int, job: Job) -> Iterable[Entry]:
    words = "".join(f"{word}\0" for word in (job.name, *job.argv))
    yield Entry(f"jobs/{number}.argv", words.encode(), 0o644)
    if job.stdin:
        yield Entry(f"jobs/{number}.stdin", job.stdin, 0o644)
    if job.needs:
        yield Entry(f"jobs/{number}.needs", "\n".join(sorted(job.needs)).encode(), 0o644)
