"""The GPU that networks run on: the first that CUDA shows (CUDA_VISIBLE_DEVICES chooses), as torch sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors import CudaNotUsable, MissingDependency

DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Gpu:
    name: str  # such as "NVIDIA GeForce RTX 4090"
    capability: tuple[int, int]  # CUDA's compute capability
    driver: str

    def __str__(self) -> str:
        return f"{self.name}, {self.capability[0]}.{self.capability[1]}, driver {self.driver}"


def gpu_here() -> Gpu:
    """Raises MissingDependency, saying why torch has none."""
    import torch

    if torch.version.cuda is None:
        raise MissingDependency("this torch was built without CUDA", fix="Install torch's CUDA build.")
    if not torch.cuda.is_available():
        raise MissingDependency("there is no NVIDIA GPU, or no driver of it", fix="Run `worldplate doctor`.")
    facts = torch.cuda.get_device_properties(0)
    return Gpu(str(facts.name), (int(facts.major), int(facts.minor)), driver_release())


def driver_release() -> str:
    """The driver's release; on systems that do not tell it by a file, the CUDA version that it brings."""
    if DRIVER.exists():
        words = DRIVER.read_text().split("Kernel Module", 1)[-1].split()
        return next((word for word in words if word[:1].isdigit()), "unknown")
    from renderer.cuda.driver import driver

    try:
        return f"of CUDA {driver().call('cuDriverGetVersion')}"
    except CudaNotUsable:
        return "unknown"
