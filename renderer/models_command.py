"""`worldplate models`: what can be served, whether it runs here, and having the renderer that serves change over."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import ModelError, ModelNotFound
from renderer.arguments import size, whole

if TYPE_CHECKING:
    from renderer.adapters.adding import Added
    from renderer.adapters.manifest import Manifest

LOADS_S = 600.0  # until a model of several gigabytes is warm
EPILOG = """examples:
  worldplate models list                       what is here, and what is known of others
  worldplate models add ~/Downloads/city.onnx  look into a file or a folder, and write its manifest
  worldplate models check city                 does it run here, how fast, in how much memory
  worldplate serve --model city                serve it
  worldplate models export city --out onnx     its networks as ONNX, each held to torch
  worldplate models use city                   have the renderer that serves change over to it, while the show goes on
"""
BUILT_IN = {
    "limn": "paints any weather from G-buffers, on a CPU; the default",
    "passthrough": "the engine's colour, bit for bit",
}


def add_models(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(required=True, metavar="action")
    listed = actions.add_parser("list", help="built in, in the models folder, and known families with what each needs")
    listed.set_defaults(run=run_list)
    added = actions.add_parser("add", help="make a model of a folder or a file: look into it, write its manifest")
    added.add_argument("source", type=Path, metavar="FOLDER_OR_FILE", help="safetensors in a folder, or one ONNX")
    added.add_argument("--name", default="", help="that it is served by (default the folder's or file's own)")
    added.add_argument("--licence", default="", metavar="SPDX", help="such as MIT (default what its files say)")
    added.set_defaults(run=run_add)
    checked = actions.add_parser("check", help="load a model, make plates, time them, and weigh it")
    checked.add_argument("name", metavar="NAME", help="of a model of the models folder")
    checked.add_argument("--size", type=size(), default=(640, 360), metavar="WxH", help="of a plate (default 640x360)")
    checked.add_argument("--runtime", default="auto", help="auto, onnxruntime, openvino or torch (default auto)")
    checked.add_argument("--threads", type=whole(1, 256), default=1, help="of the model (default 1)")
    checked.set_defaults(run=run_check)
    pulled = actions.add_parser("pull", help="fetch published weights from their hub; the licence comes first")
    pulled.add_argument("name", metavar="NAME", help="of published weights; a name that is none lists them")
    pulled.add_argument("--accept-licence", action="store_true", help="do not ask; the text is still printed")
    pulled.set_defaults(run=run_pull)
    exported = actions.add_parser("export", help="write a model's networks as ONNX, and hold each to torch")
    exported.add_argument("name", metavar="NAME", help="of a model of the models folder")
    exported.add_argument("--out", type=Path, required=True, metavar="DIR", help="that the files are written into")
    exported.add_argument("--precision", choices=("fp32", "fp16"), default="fp32", help="of the files (default fp32)")
    exported.set_defaults(run=run_export)
    used = actions.add_parser("use", help="have the renderer that serves change over, once the new model is warm")
    used.add_argument("name", metavar="NAME", help="built in, or of the renderer's models folder")
    used.add_argument("--runtime-dir", type=Path, help="folder of the connection file; default the user's own")
    used.set_defaults(run=run_use)
    for action in (listed, added, checked, exported, pulled):
        action.add_argument("--models-dir", help="the models folder; default the setting of that name, or the user's")
    for action in (listed, added, checked, exported):
        action.add_argument("--json", action="store_true", help="print JSON")


def run_list(options: argparse.Namespace) -> int:
    from renderer.adapters.families import KNOWN, is_here
    from renderer.adapters.folder import found

    folder = _folder(options)
    there = [_found(path) for path in found(folder)]
    known = [{"family": str(family), "runs_here": is_here(family), **asdict(each)} for family, each in KNOWN.items()]
    if options.json:
        _say(json.dumps({"built_in": BUILT_IN, "folder": str(folder), "found": there, "families": known}, indent=1))
        return 0
    _say("built in")
    for name, text in BUILT_IN.items():
        _say(f"  {name}: {text}")
    _say(f"in {folder}" if there else f"in {folder}: none; `worldplate models add FOLDER_OR_FILE` makes one")
    for each in there:
        _say(f"  {each['name']}: {each['problem'] or _line(each)}")
    _say("families")
    for row in known:
        _say(f"  {row['family']}{'' if row['runs_here'] else ' (not in this version)'}: {row['text']}")
        _say(f"    such as {row['example']}; to fetch {row['download']}; memory {row['memory']}")
        _say(f"    answers {row['window']}; licence {row['licence']}; regions: {row['regions']}")
    return 0


def run_add(options: argparse.Namespace) -> int:
    from renderer.adapters.adding import add

    _tell_added(add(options.source, _folder(options), options.name, options.licence), as_json=options.json)
    return 0


def run_check(options: argparse.Namespace) -> int:
    from renderer.adapters.checking import check

    width, height = options.size
    done = check(_path(options), runtime=options.runtime, threads=options.threads, width=width, height=height)
    if options.json:
        _say(json.dumps(asdict(done), indent=1))
    else:
        _say(f"{done.name} ({done.family}, {done.licence}) runs on {done.runtime}")
        plates = f"for {done.chunk_frames} plates " if done.chunk_frames > 1 else ""
        _say(f"  loaded in {done.load_ms / 1e3:.1f} s; the first call took {done.first_ms:.0f} ms, then"
             f" {done.step_ms:.1f} ms {plates}at {done.width}x{done.height}; {done.memory_mb} MB")  # fmt: skip
        for key in done.written:
            _say(f"  {key} was not known and is now in its manifest, as measured here")
        for problem in done.problems:
            _say(f"  PROBLEM: {problem}")
    return 1 if done.problems else 0


def run_export(options: argparse.Namespace) -> int:
    from renderer.adapters.exporting import export_folder

    done = export_folder(_path(options), options.out, options.precision)
    if options.json:
        _say(json.dumps([asdict(each) for each in done], indent=1))
        return 0
    for each in done:
        shapes = ", ".join(f"{name} {'x'.join(map(str, shape)) or '1'}" for name, shape in each.inputs.items())
        _say(f"{each.path}: {each.bytes / 1e6:.1f} MB, {each.apart:.0e} of its range apart from torch")
        _say(f"  {shapes} -> {each.output}")
    return 0


def run_pull(options: argparse.Namespace) -> int:
    from renderer.adapters.pulling import pull

    def accept(licences: str) -> bool:
        _say(licences)
        return options.accept_licence or input("Type yes to accept these licences: ").strip().lower() == "yes"

    _tell_added(pull(options.name, _folder(options), accept), as_json=False)
    return 0


def run_use(options: argparse.Namespace) -> int:
    from bridge.connection import FILE_NAME
    from bridge.operator import Operator
    from bridge.schema import UseModel

    where = options.runtime_dir / FILE_NAME if options.runtime_dir else None
    with Operator("worldplate models", where, timeout_s=LOADS_S) as operator:
        _say(operator.ask(UseModel(model=options.name)).text)
    return 0


def _path(options: argparse.Namespace) -> Path:
    """Of the named model. Raises ModelNotFound."""
    from renderer.adapters.folder import find, found

    folder = _folder(options)
    path = find(options.name, folder)
    if path is None:
        known = ", ".join(each.name for each in found(folder)) or "none"
        raise ModelNotFound(f"there is no model '{options.name}' in {folder}", fix=f"There are: {known}.")
    return path


def _found(path: Path) -> dict[str, Any]:
    from renderer.adapters.folder import read_manifest

    try:
        return _facts(read_manifest(path))
    except ModelError as error:
        return {"name": path.name, "problem": str(error)}


def _facts(manifest: Manifest) -> dict[str, Any]:
    """What is declared before a model is loaded."""
    return {
        "name": manifest.name, "problem": "", "family": str(manifest.family), "licence": manifest.licence,
        "regions_excluded": list(manifest.limits.regions_excluded), "commercial": manifest.limits.commercial,
        "bytes": sum(file.bytes for file in manifest.files), "memory_mb": manifest.memory_mb,
        "width": manifest.size.width, "height": manifest.size.height, "chunk_frames": manifest.chunk_frames,
        "response_window_ms": manifest.response_window_ms,
    }  # fmt: skip


def _line(each: dict[str, Any]) -> str:
    frames = each["chunk_frames"]
    parts = [
        each["family"],
        f"{each['width']}x{each['height']}",
        f"{each['bytes'] / 1e6:.1f} MB of files",
        f"{each['memory_mb']} MB of memory" if each["memory_mb"] else "memory not known",
        f"{frames} plate{'s' if frames > 1 else ''} in {each['response_window_ms']:g} ms"
        if each["response_window_ms"] else "time not known: run `worldplate models check`",
        each["licence"],
    ]  # fmt: skip
    if each["regions_excluded"]:
        parts.append(f"not in {', '.join(each['regions_excluded'])}")
    if each["commercial"] is False:
        parts.append("not for commercial use")
    return ", ".join(parts)


def _tell_added(added: Added, *, as_json: bool) -> None:
    if as_json:
        told = {"path": str(added.path), "missing": added.missing, "left_out": added.left_out}
        _say(json.dumps({**_facts(added.manifest), **told}, indent=1))
        return
    _say(f"{added.manifest.name}: {_line(_facts(added.manifest))}")
    for left in added.left_out:
        _say(f"  left out {left}")
    for missing in added.missing:
        _say(f"  TO SEE TO in {added.path / 'model.toml'}: {missing}")
    _say(f"Next: worldplate models check {added.manifest.name}")


def _folder(options: argparse.Namespace) -> Path:
    from renderer.adapters.folder import models_folder
    from renderer.config import load_settings

    return models_folder(load_settings({"models_dir": options.models_dir}).models_dir)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
