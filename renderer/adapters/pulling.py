"""Published weights from their makers' own hub, with the licence shown before anything else is fetched."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import MissingDependency, ModelIncomplete, ModelNotFetched, ModelNotFound
from renderer.adapters.adding import Added, add
from renderer.adapters.folder import made, sha256_of
from renderer.adapters.weights import INSTALL

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo

ENOUGH = ("*.safetensors", "*.json", "*.txt", "*.md", "LICENSE*")  # never a pickle, never code
HALF = "*.fp16.safetensors"  # a second copy of the weights
BY_HAND = "Bring its files here by another way, and run `worldplate models add FOLDER`."


@dataclass(frozen=True)
class Part:
    """What is taken of one repository, and the folder of the model that it becomes; "" is the model's own."""

    repository: str
    into: str
    patterns: tuple[str, ...] = ENOUGH


PULLS = {
    "sd-turbo-depth": (
        Part("stabilityai/sd-turbo", "", ("LICENSE*", "unet/*", "text_encoder/*", "tokenizer/*", "scheduler/*")),
        Part("thibaud/controlnet-sd21-depth-diffusers", "controlnet_depth"),
        Part("madebyollin/taesd", "vae"),
    ),
}


def pull(name: str, folder: Path, accept: Callable[[str], bool]) -> Added:
    """Fetch a published model into the models folder and add it. `accept` is given the licences' text and says whether
    they are taken; without it nothing but them is fetched.

    Raises ModelNotFound for a name that is none, ModelNotFetched without a network or a yes, MissingDependency, and
    what `add` does.
    """
    parts = PULLS.get(name)
    if parts is None:
        raise ModelNotFound(f"there is no '{name}' to fetch", fix=f"There are: {', '.join(PULLS)}.")
    try:
        from huggingface_hub import HfApi

        # HTTPError is of whichever HTTP package this version of the hub's uses.
        from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled  # type: ignore[attr-defined]
    except ImportError as error:
        raise MissingDependency(f"fetching needs huggingface_hub: {error}", fix=INSTALL) from error
    try:
        return _pulled(name, parts, made(folder), accept, HfApi())
    except (HTTPError, OfflineModeIsEnabled) as error:
        why = str(error).partition("\n")[0][:200]
        raise ModelNotFetched(f"'{name}' cannot be fetched: no network reaches its hub ({why})", fix=BY_HAND) from error


def _pulled(name: str, parts: tuple[Part, ...], folder: Path, accept: Callable[[str], bool], hub: HfApi) -> Added:
    infos = [hub.model_info(part.repository, files_metadata=True) for part in parts]
    stage = folder / f".{name}.pull"
    stage.mkdir(exist_ok=True)  # what was fetched before is not fetched again
    texts = [_licence(part, info, stage / part.into) for part, info in zip(parts, infos, strict=True)]
    if not accept("\n\n".join(texts)):
        shutil.rmtree(stage)
        raise ModelNotFetched(f"'{name}' was not fetched: its licences were not accepted", fix="Nothing was kept.")
    for part, info in zip(parts, infos, strict=True):
        _fetch(part, info, stage / part.into, part.patterns)
    added = add(stage, folder, name)
    shutil.rmtree(stage)
    return added


def _licence(part: Part, info: ModelInfo, into: Path) -> str:
    """The text of the repository's licence, or what its card says."""
    said = info.card_data.get("license") if info.card_data else None
    _fetch(part, info, into, ("LICENSE*", "LICENCE*"))
    texts = [file.read_text(errors="replace") for file in sorted(into.glob("LICEN?E*"))]
    return f"== {part.repository}: {said or 'its card names no licence'}\n" + "\n".join(texts)


def _fetch(part: Part, info: ModelInfo, into: Path, patterns: tuple[str, ...]) -> None:
    """One commit's files, each with the hash that the hub says. Raises ModelIncomplete."""
    from huggingface_hub import snapshot_download

    snapshot_download(
        part.repository, revision=info.sha, local_dir=into, allow_patterns=list(patterns),
        ignore_patterns=["*.py", "*.bin", "*.pt", "*.pth", "*.ckpt", HALF],
    )  # fmt: skip
    for file in info.siblings or ():
        path = into / file.rfilename
        if file.lfs is not None and path.is_file() and sha256_of(path) != file.lfs.sha256:
            path.unlink()
            raise ModelIncomplete(f"{path} did not come as its hub has it", fix="Run the same command again.")
