"""`worldplate plugin`: the plugin of an engine into a project, built for this machine or another, or as one archive."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bridge.errors import ConfigError
from renderer.native_library import SYSTEMS, lacking, this_system

ENGINES = ("godot", "unity", "unreal")
ARCHIVES = {"unity": "com.worldplate.tgz", "unreal": "Worldplate.zip"}


def add_plugin(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="action")
    install = actions.add_parser("install", help="put it into a project; built first when it has to be")
    install.add_argument("engine", choices=ENGINES)
    install.add_argument("project", type=Path, metavar="PROJECT_DIR", help="the folder of the engine's project")
    install.add_argument("--enable", action="store_true", help="godot: enable it in project.godot as well")
    install.set_defaults(run=run_install)
    build = actions.add_parser("build", help="compile what it loads, for this machine or another")
    build.add_argument("engine", choices=ENGINES)
    build.set_defaults(run=run_build)
    pack = actions.add_parser("pack", help="write it as one archive: of Unity's package manager, or to unpack")
    pack.add_argument("engine", choices=tuple(ARCHIVES))
    pack.add_argument("--out", type=Path, metavar="FILE", help=f"default {' or '.join(ARCHIVES.values())}")
    pack.set_defaults(run=run_pack)
    for action in (install, build, pack):
        told = "unity, unreal: the system whose native library must be in it, once for each; default this machine's"
        action.add_argument("--for", dest="systems", action="append", choices=SYSTEMS, help=told)


def run_install(options: argparse.Namespace) -> int:
    from renderer.plugins import install_godot
    from renderer.unity_package import install_unity
    from renderer.unreal_package import install_unreal

    def build(system: str) -> None:
        _say_that_it_builds()
        _build(options.engine, system)

    _check_systems(options)
    _build_lacking(options.engine, options.systems or [])
    if options.engine == "unity":
        done = install_unity(options.project, build=build, systems=options.systems or ())
    elif options.engine == "unreal":
        done = install_unreal(options.project, build=build, systems=options.systems or ())
    else:
        done = install_godot(options.project, enable=options.enable, build=lambda: build(this_system()))
    sys.stdout.write("\n".join([done.line(), *done.notes]) + "\n")
    return 0


def run_build(options: argparse.Namespace) -> int:
    _check_systems(options)
    for system in options.systems or [this_system()]:
        sys.stdout.write(f"Built {_build(options.engine, system)}\n")
    return 0


def run_pack(options: argparse.Namespace) -> int:
    from renderer.unity_package import pack_unity
    from renderer.unreal_package import pack_unreal

    _build_lacking(options.engine, options.systems or [this_system()])
    out = options.out or Path(ARCHIVES[options.engine])
    sys.stdout.write(f"Wrote {pack_unity(out) if options.engine == 'unity' else pack_unreal(out)}\n")
    return 0


def _check_systems(options: argparse.Namespace) -> None:
    if options.engine == "godot" and options.systems:
        raise ConfigError("Godot's extension is built for this machine alone", fix="Leave out --for.")


def _build_lacking(engine: str, systems: list[str]) -> None:
    """What was named has to be there: an error ends the command before anything is written."""
    from renderer import unity_package, unreal_package

    if engine == "unity":
        source, libraries = unity_package.unity_source(), unity_package.LIBRARIES
    else:
        source, libraries = unreal_package.unreal_source(), unreal_package.LIBRARIES
    for system in lacking(source, libraries, systems):
        _say_that_it_builds()
        _build(engine, system)


def _say_that_it_builds() -> None:
    sys.stdout.write("Building what it loads, once: a minute or two.\n")
    sys.stdout.flush()


def _build(engine: str, system: str) -> Path:
    from renderer.plugin_build import build_godot, build_unity, build_unreal

    if engine == "godot":
        return build_godot()
    return (build_unity if engine == "unity" else build_unreal)(system=system)
