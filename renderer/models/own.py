"""A model of the user's own, from a Python file: `FILE.py:Class`, as samples/05_your_own_model.py shows.

The file is run, as any program that a person starts; its name comes from the command line or the settings, never from
the wire.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from bridge.errors import ModelIncomplete, ModelNotFound
from renderer.models import ModelCard, WorldModel

HOW = "Write it as FILE.py:Class, as samples/05_your_own_model.py does."


def load_own(place: str) -> WorldModel:
    """The class that `FILE.py:Class` names, made without arguments.

    Raises ModelNotFound for a file or a class that is not there, ModelIncomplete for a class that is no model; what
    the file itself raises is its author's, and goes through.
    """
    file, _, name = place.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ModelNotFound(f"there is no file {path}", fix=HOW)
    spec = importlib.util.spec_from_file_location(f"own model {path.stem}", path)
    if spec is None or spec.loader is None:
        raise ModelNotFound(f"{path} is no Python file", fix=HOW)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    made = getattr(module, name, None)
    if not isinstance(made, type):
        raise ModelNotFound(f"{path} has no class '{name}'", fix=HOW)
    model = made()
    lacking = [member for member in ("step", "save_latents", "load_latents", "close") if not hasattr(model, member)]
    if lacking or not isinstance(getattr(model, "card", None), ModelCard):
        raise ModelIncomplete(f"{name} of {path} has no {lacking[0] if lacking else 'card'}", fix=HOW)
    loaded: WorldModel = model
    return loaded
