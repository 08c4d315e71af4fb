"""The plugins' copies of the shader text: each engine finds it in its own folder, under the name it knows.

plugins/shaders/worldplate.hlsl is the only source.
"""

from __future__ import annotations

from pathlib import Path

SOURCE = Path("plugins/shaders/worldplate.hlsl")
NOTICE = f"// Written by `python -m bridge.codegen` from {SOURCE}. Do not edit.\n"
COPIES = {  # where an engine looks, and what it needs said first
    Path("plugins/godot/addons/worldplate/worldplate.gdshaderinc"): "#define WP_GLSL\n",
    Path("plugins/unity/Runtime/Resource/Worldplate.hlsl"): "",
    Path("plugins/unreal/Shaders/Private/Worldplate.ush"): "",
}


def copies(root: Path) -> dict[Path, str]:
    """Every copy under the repository `root`, with the text it should have."""
    text = (root / SOURCE).read_text()
    return {root / file: NOTICE + first + text for file, first in COPIES.items()}
