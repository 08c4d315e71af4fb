"""Published weights from a hub: what is taken of each repository becomes a folder that its family loads.

The hub is one of this machine: repositories as their makers lay them out, with tiny random networks.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub.utils._paths import filter_repo_objects
from turbo_folder import PROPOSED, SIDES, painted, planes

from bridge.errors import ModelIncomplete, ModelNotFetched
from renderer.adapters.families import load_folder
from renderer.adapters.folder import open_folder
from renderer.adapters.pulling import PULLS, pull
from renderer.bench.random_networks import write_turbo
from renderer.recall import World

NAME = "sd-turbo-depth"
BESIDE = (
    "model_index.json",
    "README.md",
    "unet/diffusion_pytorch_model.bin",
    "vae/config.json",
    "sd_turbo.safetensors",
)


class Hub:
    """What the library's two functions do, of folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []

    def model_info(self, repository: str, files_metadata: bool) -> Any:
        folder = self.root / repository
        files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
        large = {f: SimpleNamespace(sha256=hashlib.sha256(f.read_bytes()).hexdigest()) for f in files
                 if f.suffix == ".safetensors"}  # fmt: skip
        siblings = [SimpleNamespace(rfilename=f.relative_to(folder).as_posix(), lfs=large.get(f)) for f in files]
        return SimpleNamespace(sha="0" * 40, siblings=siblings, card_data={"license": "openrail++"})

    def snapshot_download(
        self, repository: str, *, revision: str, local_dir: Path, allow_patterns: list[str],
        ignore_patterns: list[str],
    ) -> None:  # fmt: skip
        folder = self.root / repository
        names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
        for name in filter_repo_objects(names, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns):
            note = local_dir / ".cache" / "huggingface" / "download" / f"{name}.metadata"  # as the library leaves it
            for path in (local_dir / name, note):
                path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, local_dir / name)
            note.write_text(revision)
            self.asked.append(f"{repository}/{name}")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """One repository for the UNet with all that comes with it, and one for each of the others, at its top."""
    networks = tmp_path / "networks"
    write_turbo(networks)
    base, depth, coder = (tmp_path / "hub" / part.repository for part in PULLS[NAME])
    for part in ("unet", "text_encoder", "tokenizer", "scheduler"):
        shutil.copytree(networks / part, base / part)
    shutil.copy(base / "unet" / "diffusion_pytorch_model.safetensors", base / "unet" / "x.fp16.safetensors")
    for name in BESIDE:
        (base / name).parent.mkdir(exist_ok=True)
        (base / name).write_bytes(b"{}")
    (base / "LICENSE.md").write_text("STABILITY AI COMMUNITY LICENSE AGREEMENT")
    shutil.copytree(networks / "controlnet_depth", depth)
    shutil.copytree(networks / "vae", coder)
    hub = Hub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return hub


def test_what_is_fetched_is_a_folder_that_its_family_loads_and_paints_with(hub: Hub, tmp_path: Path) -> None:
    shown: list[str] = []

    def accept(text: str) -> bool:
        shown.append(text)
        return True

    added = pull(NAME, tmp_path / "models", accept)
    assert "STABILITY AI COMMUNITY LICENSE" in shown[0]
    assert added.manifest.licence == "LicenseRef-Stability"
    assert added.left_out == ()
    assert len(added.missing) == 1  # the size, which is a person's to say
    files = {file.path for file in open_folder(added.path).manifest.files}
    assert {"unet/config.json", "vae/config.json", "controlnet_depth/config.json", "LICENSE.md"} <= files
    assert not any(
        name.endswith((".bin", ".fp16.safetensors")) or name in BESIDE for name in files - {"vae/config.json"}
    )
    assert json.loads((added.path / "vae" / "config.json").read_text())["_class_name"] == "AutoencoderTiny"
    manifest = added.path / "model.toml"
    manifest.write_text(re.sub(PROPOSED, SIDES, manifest.read_text()))
    plate = painted(load_folder(added.path), World(seed=1), planes())
    assert np.isfinite(plate).all()
    assert list((tmp_path / "models").iterdir()) == [added.path]  # nothing is left of the fetching


def test_without_a_yes_nothing_but_the_licences_was_fetched_and_nothing_is_kept(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFetched, match="licences were not accepted"):
        pull(NAME, tmp_path / "models", lambda _: False)
    assert [name.rpartition("/")[2] for name in hub.asked] == ["LICENSE.md"]
    assert not list((tmp_path / "models").iterdir())


def test_a_file_that_did_not_come_as_the_hub_has_it_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = hub.snapshot_download

    def cut_off(repository: str, **told: Any) -> None:
        whole(repository, **told)
        for path in told["local_dir"].rglob("*.safetensors"):
            path.write_bytes(path.read_bytes()[:-1])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", cut_off)
    with pytest.raises(ModelIncomplete, match=r"safetensors did not come as its hub has it"):
        pull(NAME, tmp_path / "models", lambda _: True)
