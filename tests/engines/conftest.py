"""What tests with a real engine share.

Without the engine they are skipped, and the summary says how to get it. With WORLDPLATE_REQUIRE_ENGINES, which CI sets
when the engine could be fetched, they fail instead: CI never passes by leaving them out, and never fails for somebody
else's server.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from godot import OUT, ROOT, Godot, find
from served import Renderer


def _leave(reason: str) -> None:
    if os.environ.get("WORLDPLATE_REQUIRE_ENGINES"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def godot(tmp_path_factory: pytest.TempPathFactory) -> Godot:
    executable = find()
    if executable is None:
        _leave("NOT TESTED in the engine: there is no Godot; run tests/engines/fetch_godot.sh")
    if shutil.which("Xvfb") is None:
        _leave("NOT TESTED in the engine: there is no Xvfb; apt-get install xvfb")
    assert executable is not None
    return Godot(executable, tmp_path_factory.mktemp("godot-home"), shared(tmp_path_factory) / "driver-cache")


def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of a test run have together."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the add-on's extension, built once in a test run."""
    if shutil.which("cmake") is None:
        _leave("NOT TESTED in the engine: there is no CMake to build the extension; apt-get install cmake ninja-build")
    folder = shared(tmp_path_factory) / "extension"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other process of the run may be building it
        if not (folder / "built").exists():
            build_extension(folder)
            (folder / "built").touch()
    return folder / "bin"


def build_extension(folder: Path, sanitize: str = "") -> Path:
    """The folder with the extension's library; `sanitize` as CMake's WORLDPLATE_SANITIZE."""
    configure = ["cmake", "-S", str(ROOT / "plugins/godot"), "-B", str(folder / "build"), "-G", "Ninja"]
    configure += [f"-DWORLDPLATE_GODOT_BIN={folder / 'bin'}", f"-DWORLDPLATE_SANITIZE={sanitize}"]
    # Half the time to compile, and a third of it with sanitizers.
    configure += ["-DCMAKE_UNITY_BUILD=ON", f"-DCMAKE_CXX_FLAGS_RELWITHDEBINFO={'-O0' if sanitize else '-O1'} -g1"]
    for command in (configure, ["cmake", "--build", str(folder / "build"), "-j", "2"]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder / "bin"


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    """A renderer with the model that gives colour back."""
    with tempfile.TemporaryDirectory(prefix="wp-") as folder:  # short: sockets lie in it
        served = Renderer(Path(folder))
        try:
            yield served
        finally:
            served.close()


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path:
    """A folder for this test's screenshots, empty at the start and kept."""
    folder = OUT / str(request.node.name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
