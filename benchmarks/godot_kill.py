"""A renderer that is killed (-9) under a real Godot: `python benchmarks/godot_kill.py [--kills N] [--json FILE]`.

The end-to-end test's scene at 30 frames per second, `passthrough` behind it. Counted: frames from the one in which the
process is gone to the engine's own picture; the longest of the 20 frames after the kill, that of the kill with them,
over the median of the 20 before it; time from the start of the next renderer's process to its first plate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from renderer.report import machine, percentiles, versions

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/engines"))

from godot import PROJECTS, VERSION, Godot, find, make_project  # noqa: E402
from served import Renderer  # noqa: E402

WARM_FRAMES = 20  # as the scene's


def kill_once(godot: Godot, project: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="wp-") as folder:  # short: sockets lie in it
        renderer = Renderer(Path(folder))
        try:
            arguments = ["killed", folder, str(renderer.connection)]
            outcome = godot.run(project, *arguments, size=(320, 240), timeout_s=240.0, on={"START": renderer.start})
        finally:
            renderer.close()
    told = next(line for line in outcome.lines if line.startswith("KILLED "))
    return dict(json.loads(told.removeprefix("KILLED ")))


def run(kills: int) -> dict[str, Any]:
    executable, library = find(), ROOT / "plugins/godot/addons/worldplate/bin"
    if executable is None or not any(library.glob("*.so")):
        raise SystemExit(
            "Needs a Godot (tests/engines/fetch_godot.sh) and the extension (worldplate plugin build godot)."
        )
    with tempfile.TemporaryDirectory(prefix="wp-") as folder:
        godot = Godot(executable, Path(folder) / "home", Path(folder) / "driver-cache")
        project = make_project(PROJECTS / "end_to_end", Path(folder) / "project", library=library)
        told = [kill_once(godot, project) for _ in range(kills)]
    times_ms = [(each["times_ms"][:WARM_FRAMES], each["times_ms"][WARM_FRAMES:]) for each in told]
    return {
        "bench": "godot_kill",
        "engine": VERSION,
        "kills": kills,
        "frames_to_own_picture": sorted(each["frames"] for each in told),
        "frame_ms": round(statistics.median(time for before, _ in times_ms for time in before), 2),
        "longest_frame_after_over_usual": percentiles(
            max(after) / statistics.median(before) for before, after in times_ms
        ),
        "start_to_plate_ms": percentiles(each["back_ms"] for each in told),
        "machine": machine(),
        "versions": versions(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    result = run(options.kills)
    shown = {name: value for name, value in result.items() if name not in ("machine", "versions")}
    Console().print_json(data=shown)
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
