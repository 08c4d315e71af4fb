"""`worldplate world`: save, restore, fork and reset the worlds of a renderer that serves, and write them as models."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import InvalidValue, SnapshotNotFound, WorldError, WorldplateError

if TYPE_CHECKING:
    from bridge.operator import Operator
    from bridge.schema import Limits, Status, World

NAME = "worldplate world"
MEMORY_MB = 2000  # that a world may take while it is made into a model
MODELS = (".glb", ".ply")


def add_world(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="action")
    listed = actions.add_parser("list", help="the sessions of the renderer that serves, and the snapshots there are")
    listed.set_defaults(run=run_list)
    reset = actions.add_parser("reset", help="have a world forget")
    reset.add_argument("--kind", choices=["cut", "teleport", "new"], default="new",
                       help="cut, teleport: what the last frames left; new (default): its places too")  # fmt: skip
    reset.add_argument("--stream", default="", help="of the session (default all)")
    reset.set_defaults(run=run_reset)
    snapshot = actions.add_parser("snapshot", help="save a session's world under a name")
    restore = actions.add_parser("restore", help="have a session go on from a snapshot")
    for action, run in ((snapshot, run_snapshot), (restore, run_restore)):
        action.add_argument("name", metavar="NAME", help="letters, digits, '-' and '_'")
        action.set_defaults(run=run)
    fork = actions.add_parser("fork", help="have a stream go on from a copy of another's world")
    fork.add_argument("to_stream", metavar="TO_STREAM")
    fork.add_argument("--stream", default="", help="to copy (default the only one)")
    fork.set_defaults(run=run_fork)
    export = actions.add_parser("export", help="write what a world remembers as a coloured mesh or a point cloud")
    export.add_argument("file", type=Path, metavar="FILE", help="ending in .glb (mesh) or .ply (points)")
    export.add_argument("--snapshot", metavar="NAME", help="of this one (default the session's world as it is now)")
    export.set_defaults(run=run_export)
    for action in (reset, snapshot, restore, fork, export):
        action.add_argument("--session", default="", metavar="ID", help="id, its beginning, or name (default the only)")
    remove = actions.add_parser("remove", help="remove a snapshot")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(run=run_remove)
    for action in (listed, reset, snapshot, restore, fork, export):
        action.add_argument("--runtime-dir", type=Path, help="folder of the connection file; default the user's own")


def run_list(options: argparse.Namespace) -> int:
    from bridge.errors import NoRenderer

    try:
        with _operator(options) as operator:
            for status in operator.sessions():
                pace = f"{status.model}, {status.plates_per_s:.0f} fps"
                _say(f"session {status.session[:8]}  {_plain(status.name)}  {pace}")
    except NoRenderer as error:
        _say(f"{error.what}: no sessions")
    _list_snapshots()
    return 0


def run_reset(options: argparse.Namespace) -> int:
    from bridge.schema import Reset, World, WorldOp

    return _ask(options, lambda session: World(
        session=session, op=WorldOp.RESET, reset=Reset(options.kind), stream=options.stream))  # fmt: skip


def run_snapshot(options: argparse.Namespace) -> int:
    from bridge.schema import World, WorldOp

    _check_name(options.name)
    return _ask(options, lambda session: World(session=session, op=WorldOp.SNAPSHOT, name=options.name))


def run_restore(options: argparse.Namespace) -> int:
    from bridge.schema import World, WorldOp

    _check_name(options.name)
    return _ask(options, lambda session: World(session=session, op=WorldOp.RESTORE, name=options.name))


def run_fork(options: argparse.Namespace) -> int:
    from bridge.schema import World, WorldOp

    return _ask(options, lambda session: World(
        session=session, op=WorldOp.FORK, stream=options.stream, to_stream=options.to_stream))  # fmt: skip


def run_remove(options: argparse.Namespace) -> int:
    from renderer import snapshots

    snapshots.remove(options.name, _folder())
    _say(f"removed '{options.name}'")
    return 0


def run_export(options: argparse.Namespace) -> int:
    if options.file.suffix not in MODELS:
        raise InvalidValue(f"{options.file} is neither a mesh nor points", fix="End it in .glb or .ply.")
    data = _model_of(options.snapshot, options.file.suffix) if options.snapshot else _model_of_now(options)
    options.file.write_bytes(data)
    _say(f"{options.file} ({len(data) / 1e6:.1f} MB)")
    return 0


def _model_of_now(options: argparse.Namespace) -> bytes:
    """Of the session's world, by way of a snapshot that is removed again."""
    from bridge.schema import World, WorldOp
    from renderer import snapshots

    name = f"export-{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S-%f}"
    _ask(options, lambda session: World(session=session, op=WorldOp.SNAPSHOT, name=name), quiet=True)
    try:
        return _model_of(name, options.file.suffix)
    finally:
        snapshots.remove(name, _folder())


def _model_of(name: str, suffix: str) -> bytes:
    """Raises SnapshotNotFound and SnapshotCorrupt, WorldError when the world has no long memory."""
    from renderer import snapshots
    from renderer.memory.model_files import glb, ply
    from renderer.memory.world import WorldMemory
    from renderer.worlds import remembered_of

    snapshot = snapshots.read(name, _folder(), _limits())
    remembered = remembered_of(snapshot)
    if not remembered:
        raise WorldError(
            f"The world '{name}' has no long memory", fix='Install `pip install "worldplate[world]"`, and save it anew.'
        )
    memory = WorldMemory(MEMORY_MB, patient=True)
    try:
        memory.load(remembered)
        return glb(memory.arrays("mesh")) if suffix == ".glb" else ply(memory.arrays("points"))
    finally:
        memory.close()


def _ask(options: argparse.Namespace, message: Callable[[str], World], *, quiet: bool = False) -> int:
    with _operator(options) as operator:
        status: Status = operator.ask(message(operator.session(options.session).session))
    if not quiet:
        _say(status.text)
    return 0


def _operator(options: argparse.Namespace) -> Operator:
    from bridge.connection import FILE_NAME
    from bridge.operator import Operator
    from renderer.config import load_settings

    folder = options.runtime_dir or load_settings({}).runtime_dir
    return Operator(NAME, Path(folder) / FILE_NAME if folder else None, timeout_s=60.0)


def _list_snapshots() -> None:
    from renderer import snapshots

    folder = _folder()
    for name in snapshots.names(folder):
        try:
            header = snapshots.read_header(name, folder, _limits())
        except SnapshotNotFound:  # removed meanwhile
            continue
        except WorldplateError as error:
            _say(f"snapshot {name}  {error.what}")
            continue
        made = datetime.datetime.fromtimestamp(header.created_ns / 1e9).astimezone()
        streams = ", ".join(_plain(stream.name) for stream in header.streams)
        size = snapshots.size_of(name, folder) / 1e6
        _say(f"snapshot {name}  {made:%Y-%m-%d %H:%M:%S}  {header.model} {header.width}x{header.height}  {streams}"
             f"  {size:.1f} MB")  # fmt: skip


def _folder() -> Path:
    from renderer import snapshots
    from renderer.config import load_settings

    return snapshots.data_dir(load_settings({}).snapshot_dir)


def _limits() -> Limits:
    from renderer.config import load_settings

    return load_settings({}).limits


def _check_name(name: str) -> None:
    from renderer import snapshots

    snapshots.check_name(name)


def _plain(text: str) -> str:
    """A peer's own text, without what a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
