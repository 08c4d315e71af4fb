"""The plain U-Net: limn-s's sizes, planes as they are, each frame on its own, and never far from the engine's color."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from renderer.models.limn.features import CHANNELS, PARTS, TOLD
from renderer.models.limn.network import SIZES, LimnNetwork
from renderer.models.limn.plate import MOST_LOG_GAIN
from renderer.training.plain import DARKEST, SHOWN, PlainNetwork, plain_painted, plain_plate, shown
from renderer.training.train import Batch, loss_of

CLIPS, FRAMES, ROWS, COLUMNS = 2, 3, 32, 48


def drawn(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


def batch() -> Batch:
    """Noise, but for the truth, which is the engine's color at twice its level."""
    engine = drawn(CLIPS, FRAMES, 6, ROWS, COLUMNS)
    return Batch(
        x=drawn(CLIPS, FRAMES, CHANNELS, ROWS, COLUMNS), parts=drawn(CLIPS, FRAMES, PARTS, ROWS, COLUMNS),
        truth=engine[:, :, :3] * 2.0, traced=torch.zeros(CLIPS, FRAMES, ROWS // 2, COLUMNS // 2, 3),
        told=drawn(CLIPS, FRAMES, TOLD), sun=drawn(CLIPS, 3), fog=drawn(CLIPS, 3), engine=engine,
    )  # fmt: skip


def network() -> PlainNetwork:
    torch.manual_seed(3)
    return PlainNetwork()


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_it_has_the_size_of_limn_s() -> None:
    plain, limn = count(PlainNetwork()), count(LimnNetwork(SIZES["limn-s"]))
    assert abs(plain - limn) < 0.01 * limn


def test_it_starts_from_the_engines_own_color() -> None:
    b = batch()
    plates, _ = plain_painted(network(), b)
    assert plates.shape[:2] == (CLIPS, FRAMES)
    assert torch.allclose(plates, b.engine[:, :, :3] + DARKEST, atol=1e-5)


def test_frames_do_not_know_of_each_other() -> None:
    b = batch()
    net = network()
    torch.nn.init.normal_(net.out.weight)
    together, _ = plain_painted(net, b)
    alone, _ = plain_plate(net, b.x[:, 2], b.engine[:, 2], b.told[:, 2])
    assert torch.allclose(together[:, 2], alone, atol=1e-6)


def test_it_sees_planes_and_the_sun_but_neither_materials_nor_places() -> None:
    b = batch()
    x, engine = b.x[:, 0], b.engine[:, 0]
    before = shown(x, engine)
    assert before.shape[1] == SHOWN
    used = [k for k in range(CHANNELS) if not torch.equal(shown(_raised(x, k), engine), before)]
    assert used == [0, 1, 3, 4, 5, 6, 20, 21, 22]


def _raised(x: Tensor, channel: int) -> Tensor:
    changed = x.clone()
    changed[:, channel] += 1.0
    return changed


@pytest.mark.parametrize("level", [0.0, 0.3, 50.0])
def test_its_gain_is_bounded_whatever_comes_out_of_the_network(level: float) -> None:
    net = network()
    torch.nn.init.constant_(net.out.bias, 1e6)  # type: ignore[arg-type]
    engine = torch.full((1, 6, ROWS, COLUMNS), level)
    plate, _ = plain_plate(net, drawn(1, CHANNELS, ROWS, COLUMNS), engine, drawn(1, TOLD))
    assert torch.isfinite(plate).all()
    assert plate.max() <= (level + DARKEST) * torch.exp(torch.tensor(MOST_LOG_GAIN)) * 1.001


def test_it_learns_a_gain_with_limns_own_loss() -> None:
    b, net = batch(), network()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)  # training itself begins as gently
    losses = []
    for _ in range(12):
        loss = loss_of(*plain_painted(net, b), b)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


def test_a_smaller_picture_for_its_trunk_gives_plates_of_the_full_size() -> None:
    b = batch()
    plates, _ = plain_painted(network(), b, 2)
    assert plates.shape == (CLIPS, FRAMES, 3, ROWS, COLUMNS)
