"""What surfaces are made of: a procedural basis anchored to the world, the same for the truth and for the network.

Texture is known here and not guessed by the network: the same point of a wall, or of a crate that tumbles, has the
same value from anywhere and after any time. Each term fades out as its period nears the size of a pixel, so that it
does not shimmer. Positions are metres: world space for what stands, object space for bodies that move.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bridge.schema import Label

# Per label: cell width and height (m), row offset (share of a width), joint width (m), joint darkness, tint spread,
# stripe strength, warm spread, coarse noise (1/m, strength), fine noise (1/m, strength).
_PLAIN = (1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.7, 0.06, 4.0, 0.04)
_MATERIALS = {
    Label.GROUND: (0.62, 0.42, 0.5, 0.035, 0.55, 0.16, 0.0, 0.10, 0.22, 0.16, 3.0, 0.10),
    Label.WALL: (0.74, 0.30, 0.5, 0.028, 0.34, 0.10, 0.0, 0.08, 0.45, 0.16, 3.5, 0.08),
    Label.STONE: (0.90, 0.46, 0.5, 0.024, 0.38, 0.10, 0.0, 0.06, 1.10, 0.14, 6.0, 0.10),
    Label.ROOF: (0.34, 0.40, 0.5, 0.050, 0.50, 0.20, 0.0, 0.12, 0.80, 0.12, 5.0, 0.08),
    Label.WOOD: (2.40, 0.17, 0.37, 0.016, 0.60, 0.18, 0.0, 0.10, 1.70, 0.12, 9.0, 0.14),
    Label.METAL: (0.90, 0.30, 0.0, 0.030, 0.25, 0.05, 0.0, 0.22, 2.20, 0.22, 9.0, 0.12),
    Label.FABRIC: (9.00, 0.28, 0.0, 0.0, 0.0, 0.04, 0.45, 0.0, 1.30, 0.05, 8.0, 0.04),
    Label.FOLIAGE: (1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.30, 0.40, 7.5, 0.45),
    Label.PLASTIC: (9.00, 0.21, 0.0, 0.0, 0.0, 0.03, 0.16, 0.0, 3.0, 0.04, 9.0, 0.03),
    Label.WATER: (1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.5, 0.20, 5.0, 0.16),
}
MATERIAL_TABLE = torch.tensor(
    [{int(k): v for k, v in _MATERIALS.items()}.get(n, _PLAIN) for n in range(16)]
).T.contiguous()


def hash01(i: Tensor, j: Tensor, salt: int) -> Tensor:
    """A hash of integer cells to 0..1 (the finaliser of MurmurHash3 in 32 bits); int32 in, float32 out."""
    h = i * 0x27D4EB2D + j * 0x165667B1 + salt * 0x0C6EF372
    h = (h ^ ((h >> 15) & 0x1FFFF)) * 0x2C1B3C6D
    h = (h ^ ((h >> 12) & 0xFFFFF)) * 0x297A2D39
    return ((h ^ (h >> 15)) & 0xFFFFFF).float() * (1.0 / 0xFFFFFF)


def value_noise(u: Tensor, v: Tensor, salt: int) -> Tensor:
    """Smooth noise in -1..1 with one lattice point per unit."""
    i, j = torch.floor(u), torch.floor(v)
    s, t = u - i, v - j
    s, t = s * s * (3.0 - 2.0 * s), t * t * (3.0 - 2.0 * t)
    a, b = i.int(), j.int()
    top = torch.lerp(hash01(a, b, salt), hash01(a + 1, b, salt), s)
    bottom = torch.lerp(hash01(a, b + 1, salt), hash01(a + 1, b + 1, salt), s)
    return torch.lerp(top, bottom, t) * 2.0 - 1.0


def surface_coordinates(position_m: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Two of the three coordinates, those across the normal's main axis: (z, y), (x, z) or (x, y). Inputs [3, ...]."""
    x, y, z = position_m
    ax, ay, az = normal.abs()
    facing_x = (ax >= ay) & (ax >= az)
    facing_y = ~facing_x & (ay >= az)
    return torch.where(facing_x, z, x), torch.where(facing_y, z, y)


def detail(position_m: Tensor, normal: Tensor, label: Tensor, footprint_m: Tensor) -> Tensor:
    """How the material multiplies the base colour: [3, ...], about 1 on average, from 0.2 to 2.

    position_m and normal [3, ...] in the space the texture sticks to; label integer [...]; footprint_m [...] is the
    width of a pixel on the surface.
    """
    rows = MATERIAL_TABLE.index_select(1, label.reshape(-1).clamp(0, 15).int()).reshape(12, *label.shape)
    cell_u, cell_v, bond, joint_m, dark, tint, stripe, warm, low, low_amount, high, high_amount = rows
    u, v = surface_coordinates(position_m, normal)
    row = torch.floor(v / cell_v)
    along = u / cell_u + row * bond
    column = torch.floor(along)
    h = hash01(column.int(), row.int(), 1)
    sharp = (1.5 - footprint_m / cell_v.clamp(max=1.0) * 2.0).clamp(0.0, 1.0)
    edge_m = torch.minimum(_to_edge(along - column) * cell_u, _to_edge(v / cell_v - row) * cell_v)
    soft_m = footprint_m + 0.008
    joint = ((joint_m + soft_m - edge_m) / (2.0 * soft_m)).clamp(0.0, 1.0) * (joint_m > 0.0)
    parity = torch.remainder(row, 2.0) * 2.0 - 1.0
    gain = (1.0 - dark * joint * sharp) * (1.0 + sharp * (tint * (h * 2.0 - 1.0) + stripe * parity))
    fade_low = (1.5 - footprint_m * low * 2.0).clamp(0.0, 1.0)
    fade_high = (1.5 - footprint_m * high * 2.0).clamp(0.0, 1.0)
    coarse = value_noise(u * low, v * low, 2)
    fine = value_noise(u * high, v * high, 3)
    gain = gain * (1.0 + fade_low * low_amount * coarse) * (1.0 + fade_high * high_amount * fine)
    warmth = warm * (0.6 * coarse * fade_low + 0.8 * (h - 0.5) * sharp)
    return torch.stack([gain * (1.0 + warmth), gain, gain * (1.0 - warmth)])


def _to_edge(share: Tensor) -> Tensor:
    return torch.minimum(share, 1.0 - share)
