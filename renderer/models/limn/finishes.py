"""The finishes that a world's seed picks from, label by label: numbers for the one formula of surface.py."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

from bridge.schema import Label


@dataclass(frozen=True)
class Finish:
    """Metres, 1/m and shares. A negative `cell_u` turns the pattern by 90 degrees."""

    cell_u: float = 1.0  # a cell's width
    cell_v: float = 1.0  # and height
    bond: float = 0.0  # how far each row is shifted, in widths
    joint_m: float = 0.0  # half the joint's width
    dark: float = 0.0  # how much darker joints are
    tint: float = 0.0  # spread of brightness from cell to cell
    hue: float = 0.0  # spread of warmth
    bevel: float = 0.0  # tilt of the cells' edges
    jitter: float = 0.0  # tilt of whole cells: leaves, pebbles
    low: float = 0.4  # coarse noise, 1/m
    low_amount: float = 0.1
    fine_u: float = 6.0  # fine noise, 1/m, along rows and across
    fine_v: float = 6.0
    fine_amount: float = 0.06
    relief: float = 0.02  # tilt per slope of the fine noise
    patch: float = 0.0  # strength of the second colour
    patch_share: float = 0.0  # of the surface, 0..1
    patch_r: float = 0.0
    patch_g: float = 0.0
    patch_b: float = 0.0
    stripe: float = 0.0  # brightness of every other row
    rough: float = 0.85
    rough_spread: float = 0.1
    shine: float = 0.0  # reflectance at normal incidence; 0 is matte
    metal: float = 0.0


COLUMNS_OF_TABLE = len(fields(Finish))
MOSS, DIRT, RUST = (0.07, 0.10, 0.04), (0.13, 0.10, 0.07), (0.22, 0.085, 0.03)


def _patch(share: float, strength: float, color: tuple[float, float, float]) -> dict[str, float]:
    r, g, b = color
    return {"patch": strength, "patch_share": share, "patch_r": r, "patch_g": g, "patch_b": b}


_PLAIN = Finish(low=0.7, low_amount=0.08, fine_u=5.0, fine_v=5.0, fine_amount=0.05)
_BRICK = Finish(0.25, 0.085, 0.5, 0.006, 0.42, 0.20, 0.08, 0.35, 0.02, 0.35, 0.14, 14.0, 14.0, 0.10, 0.02,
                **_patch(0.10, 0.4, (0.40, 0.37, 0.32)))  # fmt: skip
_PLASTER = Finish(low=0.45, low_amount=0.16, fine_u=7.0, fine_v=7.0, fine_amount=0.07, relief=0.012,
                  **_patch(0.14, 0.55, (0.36, 0.30, 0.24)))  # fmt: skip
_CONCRETE = Finish(2.4, 1.2, 0.0, 0.010, 0.35, 0.07, 0.02, 0.1, 0.0, 0.55, 0.20, 4.0, 1.6, 0.10, 0.01, rough=0.75,
                   **_patch(0.10, 0.4, (0.16, 0.15, 0.14)))  # fmt: skip
_BOARDS = Finish(3.6, 0.19, 0.37, 0.006, 0.55, 0.16, 0.05, 0.55, 0.03, 0.6, 0.12, 1.2, 22.0, 0.14, 0.006)
_ASPHALT = Finish(0.06, 0.06, 0.5, 0.0, 0.0, 0.28, 0.03, 0.0, 0.14, 0.30, 0.20, 18.0, 18.0, 0.22, 0.02,
                  rough=0.9, **_patch(0.16, 0.55, (0.055, 0.055, 0.06)))  # fmt: skip
_SLABS = Finish(0.60, 0.60, 0.5, 0.008, 0.45, 0.18, 0.05, 0.25, 0.02, 0.4, 0.16, 9.0, 9.0, 0.09, 0.015,
                **_patch(0.10, 0.5, DIRT))  # fmt: skip
_COBBLES = Finish(0.17, 0.13, 0.5, 0.012, 0.55, 0.35, 0.07, 0.9, 0.10, 0.35, 0.15, 16.0, 16.0, 0.12, 0.02,
                  **_patch(0.12, 0.6, MOSS))  # fmt: skip
_GRAVEL = Finish(0.045, 0.04, 0.5, 0.0, 0.0, 0.5, 0.10, 0.0, 0.35, 0.45, 0.22, 7.0, 7.0, 0.18, 0.03,
                 **_patch(0.14, 0.5, DIRT))  # fmt: skip
_TILES = Finish(0.45, 0.45, 0.0, 0.006, 0.5, 0.10, 0.03, 0.15, 0.012, 0.5, 0.08, 5.0, 5.0, 0.05, 0.004, stripe=0.0,
                rough=0.35, rough_spread=0.12, shine=0.04)  # fmt: skip
_ASHLAR = Finish(0.80, 0.40, 0.5, 0.008, 0.38, 0.20, 0.06, 0.30, 0.015, 0.8, 0.16, 6.0, 6.0, 0.12, 0.02,
                 **_patch(0.14, 0.5, MOSS))  # fmt: skip
_RUBBLE = Finish(0.34, 0.22, 0.37, 0.016, 0.5, 0.34, 0.10, 0.75, 0.10, 0.9, 0.2, 9.0, 9.0, 0.16, 0.03,
                 **_patch(0.16, 0.6, MOSS))  # fmt: skip
_SANDSTONE = Finish(1.1, 0.5, 0.5, 0.005, 0.25, 0.10, 0.06, 0.12, 0.008, 0.7, 0.18, 1.5, 11.0, 0.16, 0.006)
_MARBLE = Finish(0.9, 0.9, 0.0, 0.003, 0.3, 0.06, 0.02, 0.05, 0.0, 1.4, 0.18, 4.0, 2.5, 0.22, 0.0, rough=0.3,
                 shine=0.04, **_patch(0.10, 0.6, (0.42, 0.40, 0.38)))  # fmt: skip
_PANTILES = Finish(0.24, 0.32, 0.0, 0.012, 0.5, 0.28, 0.12, 1.1, 0.03, 0.6, 0.14, 8.0, 8.0, 0.10, 0.02,
                   **_patch(0.14, 0.6, MOSS))  # fmt: skip
_SLATES = Finish(0.28, 0.22, 0.5, 0.006, 0.5, 0.26, 0.06, 0.5, 0.03, 0.7, 0.14, 5.0, 12.0, 0.12, 0.01, rough=0.55,
                 shine=0.03)  # fmt: skip
_SHEETS = Finish(0.20, 4.0, 0.0, 0.03, 0.28, 0.10, 0.03, 0.9, 0.0, 0.7, 0.14, 9.0, 2.0, 0.10, 0.006, rough=0.5,
                 shine=0.04, **_patch(0.16, 0.8, RUST))  # fmt: skip
_PLANKS = Finish(2.2, 0.15, 0.37, 0.005, 0.6, 0.26, 0.08, 0.35, 0.015, 0.9, 0.12, 1.6, 38.0, 0.24, 0.004, rough=0.65)
_OAK = Finish(1.4, 0.09, 0.43, 0.003, 0.5, 0.22, 0.06, 0.2, 0.01, 1.2, 0.10, 2.2, 46.0, 0.20, 0.002, rough=0.42,
              shine=0.035)  # fmt: skip
_WORN = Finish(-1.8, 0.17, 0.31, 0.008, 0.65, 0.24, 0.06, 0.45, 0.02, 1.0, 0.18, 1.3, 26.0, 0.28, 0.006,
               **_patch(0.22, 0.7, (0.26, 0.22, 0.18)))  # fmt: skip
_BRUSHED = Finish(1.2, 0.6, 0.0, 0.006, 0.4, 0.06, 0.02, 0.3, 0.004, 1.2, 0.10, 3.0, 60.0, 0.10, 0.0, rough=0.32,
                  rough_spread=0.1, metal=1.0)  # fmt: skip
_RUSTY = Finish(0.8, 0.8, 0.0, 0.006, 0.4, 0.08, 0.04, 0.2, 0.01, 1.6, 0.25, 11.0, 11.0, 0.22, 0.02, rough=0.5,
                metal=0.8, **_patch(0.38, 0.95, RUST))  # fmt: skip
_PAINTED = Finish(1.0, 0.5, 0.0, 0.004, 0.3, 0.05, 0.02, 0.3, 0.0, 0.9, 0.10, 8.0, 8.0, 0.05, 0.004, rough=0.4,
                  shine=0.045, **_patch(0.12, 0.9, RUST))  # fmt: skip
_STRIPED = Finish(9.0, 0.24, 0.0, 0.0, low=1.1, low_amount=0.08, fine_u=70.0, fine_v=70.0, fine_amount=0.16,
                  relief=0.01, stripe=0.38, rough=0.95)  # fmt: skip
_LINEN = Finish(0.012, 0.012, 0.5, 0.0, tint=0.20, jitter=0.12, low=1.4, low_amount=0.12, fine_u=26.0, fine_v=3.0,
                fine_amount=0.14, relief=0.02, rough=0.95)  # fmt: skip
_CARPET = Finish(0.30, 0.30, 0.5, 0.0, tint=0.10, hue=0.06, low=0.9, low_amount=0.12, fine_u=45.0, fine_v=45.0,
                 fine_amount=0.30, relief=0.03, stripe=0.10, rough=1.0)  # fmt: skip
_LEAVES = Finish(0.05, 0.042, 0.43, 0.0, tint=0.5, hue=0.14, jitter=0.75, low=1.6, low_amount=0.30, fine_u=5.0,
                 fine_v=5.0, fine_amount=0.35, relief=0.10, rough=0.75,
                 **_patch(0.16, 0.4, (0.16, 0.19, 0.04)))  # fmt: skip
_NEEDLES = Finish(0.05, 0.11, 0.37, 0.0, tint=0.5, hue=0.08, jitter=0.6, low=1.8, low_amount=0.35, fine_u=9.0,
                  fine_v=4.0, fine_amount=0.4, relief=0.08, rough=0.85,
                  **_patch(0.12, 0.4, (0.12, 0.13, 0.04)))  # fmt: skip
_PLASTIC = Finish(9.0, 0.32, 0.0, low=2.5, low_amount=0.04, fine_u=9.0, fine_v=9.0, fine_amount=0.03, relief=0.0,
                  stripe=0.10, rough=0.28, rough_spread=0.06, shine=0.045)  # fmt: skip
_WATER = Finish(9.0, 9.0, low=0.45, low_amount=0.12, fine_u=1.9, fine_v=1.1, fine_amount=0.05, relief=0.02,
                rough=0.05, rough_spread=0.0, shine=0.03)  # fmt: skip
_CHOPPY = Finish(9.0, 9.0, low=0.6, low_amount=0.12, fine_u=3.4, fine_v=2.0, fine_amount=0.05, relief=0.04,
                 rough=0.08, rough_spread=0.0, shine=0.03)  # fmt: skip
_GLASS = Finish(9.0, 9.0, low=0.8, low_amount=0.1, fine_u=1.0, fine_v=1.0, fine_amount=0.03, relief=0.004,
                rough=0.04, rough_spread=0.0, shine=0.08)  # fmt: skip
_CLOTH = Finish(0.02, 0.02, 0.5, tint=0.18, jitter=0.12, low=3.0, low_amount=0.16, fine_u=18.0, fine_v=5.0,
                fine_amount=0.16, relief=0.03, rough=0.9)  # fmt: skip
_LACQUER = Finish(9.0, 9.0, low=1.2, low_amount=0.05, fine_u=40.0, fine_v=40.0, fine_amount=0.03, relief=0.0,
                  rough=0.16, rough_spread=0.03, shine=0.055)  # fmt: skip
_LAMP = Finish(9.0, 9.0, low_amount=0.0, fine_amount=0.0, relief=0.0, rough=0.4, shine=0.03)

FINISHES: dict[Label, list[tuple[float, ...]]] = {
    label: [astuple(f) for f in choices]
    for label, choices in {
        Label.UNKNOWN: [_PLAIN],
        Label.GROUND: [_ASPHALT, _SLABS, _COBBLES, _GRAVEL, _CONCRETE, _TILES],
        Label.WALL: [_BRICK, _PLASTER, _CONCRETE, _BOARDS, _BRICK],
        Label.STONE: [_ASHLAR, _RUBBLE, _SANDSTONE, _MARBLE],
        Label.ROOF: [_PANTILES, _SLATES, _SHEETS],
        Label.WOOD: [_PLANKS, _OAK, _WORN],
        Label.METAL: [_BRUSHED, _RUSTY, _PAINTED],
        Label.FABRIC: [_STRIPED, _LINEN, _CARPET],
        Label.FOLIAGE: [_LEAVES, _NEEDLES],
        Label.PLASTIC: [_PLASTIC],
        Label.WATER: [_WATER, _CHOPPY],
        Label.GLASS: [_GLASS],
        Label.CHARACTER: [_CLOTH],
        Label.VEHICLE: [_LACQUER],
        Label.LIGHT: [_LAMP],
    }.items()
}
