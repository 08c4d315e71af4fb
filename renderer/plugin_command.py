"""`worldplate plugin`: the plugin of an engine into a project, built for this machine, or as one archive."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ENGINES = ("godot", "unity", "unreal")
ARCHIVES = {"unity": "com.worldplate.tgz", "unreal": "Worldplate.zip"}


def add_plugin(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="action")
    install = actions.add_parser("install", help="put it into a project; built first when it has to be")
    install.add_argument("engine", choices=ENGINES)
    install.add_argument("project", type=Path, metavar="PROJECT_DIR", help="the folder of the engine's project")
    install.add_argument("--enable", action="store_true", help="godot: enable it in project.godot as well")
    install.set_defaults(run=run_install)
    build = actions.add_parser("build", help="compile what it loads, for this machine")
    build.add_argument("engine", choices=ENGINES)
    build.set_defaults(run=run_build)
    pack = actions.add_parser("pack", help="write it as one archive: of Unity's package manager, or to unpack")
    pack.add_argument("engine", choices=tuple(ARCHIVES))
    pack.add_argument("--out", type=Path, metavar="FILE", help=f"default {' or '.join(ARCHIVES.values())}")
    pack.set_defaults(run=run_pack)


def run_install(options: argparse.Namespace) -> int:
    from renderer.plugins import install_godot
    from renderer.unity_package import install_unity
    from renderer.unreal_package import install_unreal

    def build() -> None:
        sys.stdout.write("Building what it loads for this machine, once: a minute or two.\n")
        sys.stdout.flush()
        _build(options.engine)

    if options.engine == "unity":
        done = install_unity(options.project, build=build)
    elif options.engine == "unreal":
        done = install_unreal(options.project, build=build)
    else:
        done = install_godot(options.project, enable=options.enable, build=build)
    sys.stdout.write("\n".join([done.line(), *done.notes]) + "\n")
    return 0


def run_build(options: argparse.Namespace) -> int:
    sys.stdout.write(f"Built {_build(options.engine)}\n")
    return 0


def run_pack(options: argparse.Namespace) -> int:
    from renderer import unity_package, unreal_package

    out = options.out or Path(ARCHIVES[options.engine])
    if options.engine == "unity":
        source, library, pack = unity_package.unity_source(), unity_package.LIBRARY, unity_package.pack_unity
    else:
        source, library, pack = unreal_package.unreal_source(), unreal_package.LIBRARY, unreal_package.pack_unreal
    if not (source / library).is_file():
        _build(options.engine)
    sys.stdout.write(f"Wrote {pack(out)}\n")
    return 0


def _build(engine: str) -> Path:
    from renderer.plugin_build import build_godot, build_unity, build_unreal

    return {"godot": build_godot, "unity": build_unity, "unreal": build_unreal}[engine]()
