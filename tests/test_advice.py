"""Which TensorRT a GPU gets is said in one line, with what installs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from renderer.runtimes import gpu as gpu_module
from renderer.runtimes.advice import advice_for
from renderer.runtimes.gpu import Gpu

RTX, FULL = {"tensorrt_rtx": "1.7.1.116"}, {"tensorrt": "11.4.0"}


def gpu(name: str, major: int, minor: int, driver: str = "580.65.06") -> Gpu:
    return Gpu(name, (major, minor), driver)


@pytest.mark.parametrize(
    ("here", "installed", "ok", "found", "fix"),
    [
        (gpu("RTX 4090", 8, 9), RTX, True, "tensorrt-rtx 1.7.1.116 for RTX 4090, 8.9, driver 580.65.06", ""),
        (gpu("RTX 5090", 12, 0), {}, False, "wants tensorrt-rtx, torch serves", "worldplate[tensorrt]"),
        (gpu("H200", 9, 0), RTX, False, "tensorrt-rtx 1.7.1.116; H200, 9.0", "pypi.nvidia.com"),
        (gpu("H200", 9, 0), {**RTX, **FULL}, True, "tensorrt 11.4.0 for H200", ""),
        (gpu("RTX 2080", 7, 5), RTX, True, "for RTX 2080, 7.5", ""),
        (gpu("V100", 7, 0), RTX, True, "is older than TensorRT takes, torch serves", ""),
        (gpu("RTX 3090", 8, 6, "550.54"), RTX, False, "driver 550.54 is older than 580", "driver 580"),
        (None, RTX, True, "builds engines ahead, and does not serve", ""),
        (None, {}, False, "not installed; there is no GPU", "worldplate[tensorrt]"),
    ],
)
def test_every_gpu_gets_its_flavour(
    here: Gpu | None, installed: dict[str, str], ok: bool, found: str, fix: str
) -> None:
    told = advice_for(here, installed)
    assert told.ok == ok
    assert found in told.found
    assert fix in told.fix
    assert bool(told.fix) != ok


@pytest.mark.parametrize("kind", ["Kernel Module", "Open Kernel Module for x86_64"])
def test_the_drivers_release_is_read_from_where_the_kernel_tells_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "version"
    told.write_text(f"NVRM version: NVIDIA UNIX {kind}  580.65.06  Sun Jul 27 07:05:11 UTC 2025\nGCC version: 12.2\n")
    monkeypatch.setattr(gpu_module, "DRIVER", told)
    assert gpu_module.driver_release() == "580.65.06"
