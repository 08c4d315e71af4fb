"""The plugins' copies of the shader text: each engine finds it in its own folder, under the name it knows.

plugins/shaders/worldplate.hlsl is the only source. A plugin whose folder is not here gets no copy.
"""

from __future__ import annotations

from pathlib import Path

SOURCE = Path("plugins/shaders/worldplate.hlsl")
NOTICE = f"// Written by `python -m bridge.codegen` from {SOURCE}. Do not edit.\n"
COPIES = {  # by plugin: where its engine looks, and what that engine needs said first
    "plugins/godot": ("addons/worldplate/worldplate.gdshaderinc", "#define WP_GLSL\n"),
    "plugins/unity": ("Runtime/Resource/Worldplate.hlsl", ""),
    "plugins/unreal": ("Shaders/Private/Worldplate.ush", ""),
}


def copies(root: Path) -> dict[Path, str]:
    """Every copy under the repository `root`, with the text it should have."""
    text = (root / SOURCE).read_text()
    return {
        root / plugin / file: NOTICE + first + text
        for plugin, (file, first) in COPIES.items()
        if (root / plugin).is_dir()
    }
