"""Make a data set in a folder: on several processes, again from where it was stopped, whatever stopped it.

A folder holds one .npz per sequence and manifest.json: the recipe, the version of everything that decides the pixels,
and each file's SHA-256. A file is there whole or not at all. Equal recipe and version give equal files, so a folder
that was made with others is refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from bridge.errors import ConfigError, TransportError
from renderer.training.plan import planned
from renderer.training.sequences import Recipe, make
from renderer.training.tracer import find_mitsuba

SAVE_EVERY_S = 30.0  # the manifest, while sequences are made
REPORT_EVERY_S = 30.0
PACKAGES = ("mitsuba", "drjit", "numpy", "numba", "mujoco")
SOURCES = (  # what decides the pixels
    "renderer/training/worlds/*.py",
    *(f"renderer/training/{name}.py" for name in ("paths", "picture", "plan", "sequences", "shot", "tracer")),
    *(f"renderer/models/limn/{name}.py" for name in ("finishes", "heaven", "surface", "weather")),
    "bridge/engine/*.py",
)
log = logging.getLogger("worldplate.dataset")


@dataclass(frozen=True)
class Job:
    """`sequences` is how many, from number `first` on."""

    out: Path
    recipe: Recipe
    sequences: int
    first: int = 0
    workers: int = 1
    split: str | None = None  # only these
    families: tuple[str, ...] = ()  # only these, where any is named

    def wants(self, number: int) -> bool:
        plan = planned(number)
        return self.split in (None, plan.split) and (not self.families or plan.family in self.families)


def run(job: Job) -> int:
    """Make what is missing; returns how many sequences the folder now holds of the job's. Raises ConfigError when the
    folder was made otherwise, TransportError when another process is making it."""
    find_mitsuba(1)  # says what is missing before anything is begun
    job.out.mkdir(parents=True, exist_ok=True)
    with _alone(job.out):
        for rest in job.out.glob("*.part"):
            rest.unlink()
        manifest = _manifest(job)
        wanted = [n for n in range(job.first, job.first + job.sequences) if job.wants(n)]
        missing = [n for n in wanted if not _file(job.out, n).exists()]
        log.info("%d of %d sequences are there", len(wanted) - len(missing), len(wanted))
        begun_s = told_s = saved_s = time.monotonic()
        for done, _ in enumerate(_made(job, missing), start=1):
            now_s = time.monotonic()
            if now_s - told_s > REPORT_EVERY_S or done == len(missing):
                log.info("%s", progress(done, len(missing), now_s - begun_s, job.recipe.frames))
                told_s = now_s
            if now_s - saved_s > SAVE_EVERY_S:
                _save(job.out, manifest)
                saved_s = now_s
        _save(job.out, manifest)
    return sum(_file(job.out, n).exists() for n in wanted)


def progress(done: int, count: int, spent_s: float, frames: int) -> str:
    """Where the work stands and how long it will still take at the mean pace until now."""
    left_s = spent_s / done * (count - done)
    clock = f"{int(left_s // 3600)}:{int(left_s // 60) % 60:02d}:{int(left_s) % 60:02d}"
    return f"{done} of {count} sequences, {spent_s / done / frames:.2f} s a frame, {clock} left"


def code_version() -> str:
    """A hash of the sources and package versions that decide the pixels."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256(" ".join(f"{name}={version(name)}" for name in PACKAGES).encode())
    for pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def verify(out: Path) -> list[str]:
    """Names of files that are not as the manifest says, or that it does not know."""
    files: dict[str, str] = json.loads((out / "manifest.json").read_text())["files"]
    there = {path.name: _sha256(path) for path in sorted(out.glob("*.npz"))}
    return sorted(name for name in files.keys() | there.keys() if files.get(name) != there.get(name))


def _file(out: Path, number: int) -> Path:
    return out / f"{planned(number).name}.npz"


def _manifest(job: Job) -> dict[str, object]:
    """The folder's manifest, or a new one. Raises ConfigError when it was made by another recipe or version."""
    wanted: dict[str, object] = {"recipe": asdict(job.recipe), "version": code_version()}
    path = job.out / "manifest.json"
    if path.exists():
        found = json.loads(path.read_text())
        for name, value in wanted.items():
            if found[name] != value:
                raise ConfigError(f"{job.out} was made with {name} {found[name]}, not {value}",
                                  fix="Choose an empty folder for --out.")  # fmt: skip
        return dict(found)
    manifest = {**wanted, "packages": {name: version(name) for name in PACKAGES}, "files": {}}
    _save(job.out, manifest)
    return manifest


def _save(out: Path, manifest: dict[str, object]) -> None:
    files = manifest["files"]
    assert isinstance(files, dict)
    for path in sorted(out.glob("*.npz")):
        files.setdefault(path.name, _sha256(path))
    part = out / "manifest.json.part"
    part.write_text(json.dumps({**manifest, "files": dict(sorted(files.items()))}, indent=1) + "\n")
    part.replace(out / "manifest.json")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder's lock; the system frees it however the process ends."""
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fix = "Wait for it, or choose another --out."
            raise TransportError(f"another process is making {out}", fix=fix) from None
        yield


def _made(job: Job, numbers: list[int]) -> Iterator[None]:
    """Make sequences in their order on `workers` processes of one thread each."""
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    spawn = multiprocessing.get_context("spawn")  # Dr.Jit's threads do not survive a fork
    batch = TASKS_PER_PROCESS * job.workers
    for at in range(0, len(numbers), batch):  # not `max_tasks_per_child`, with which Python 3.11 may hang (gh-115634)
        now = numbers[at : at + batch]
        with ProcessPoolExecutor(min(job.workers, len(now)), spawn) as pool:
            yield from pool.map(_make, [job.recipe] * len(now), [job.out] * len(now), now)


TASKS_PER_PROCESS = 40  # then a new one: memory that the tracer's kernels hold goes back


def _make(recipe: Recipe, out: Path, number: int) -> None:
    make(planned(number), recipe, find_mitsuba(1), _file(out, number))
