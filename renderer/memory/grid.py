"""The voxel grid of what stands still: Open3D's sparse VoxelBlockGrid of TSDF, colour, age and what each voxel is of.

Open3D's own `integrate` and `ray_cast` do the work; what they do not know (which thing, under which look, in what
light, when) is kept in attributes of our own beside theirs. Three habits of Open3D 0.20 are met here: `ray_cast` never
returns when the height is no multiple of its down factor, `integrate` takes the pixel before the one it means, and a
block that is taken again still holds what it held.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency
from renderer.memory.kept import ATTRIBUTES, BAND_VOXELS, BLOCK_BYTES, FARTHEST_M, SIDE, TOUCH_VOXELS, VOXEL_M, VOXELS
from renderer.memory.notes import Gathered
from renderer.memory.sight import F32, F64, Sight, pinhole

try:
    import open3d as o3d
except (ImportError, OSError) as error:  # OSError: a library of the system that it loads is absent
    raise MissingDependency(
        f"the world's long memory needs open3d: {error}", fix='Install it with `pip install "worldplate[world]"`.'
    ) from error

I64 = NDArray[np.int64]

NEAREST_M = 0.05
EMPTY, EMPTY_WEIGHT = 0.95, 0.01  # distance in bands, from which on there is no surface, and what such voxels weigh
COLOR_SCALE = 255.0  # Open3D keeps colours times this, and gives them back without
DOWN = 4  # of ray_cast's range map
TOUCH_PX = 4  # Open3D looks at every fourth pixel of every fourth row for the blocks of a view
PART_BLOCKS = 256  # that are looked through at once: as many voxels as the processor's caches hold
FEWEST_BLOCKS = 4096  # to begin with; a view at 320x180 takes some 1500

o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)  # it logs a warning at every first cast
_CPU = o3d.core.Device("CPU:0")


class Cast(NamedTuple):
    """What the grid holds along each pixel's ray, [h, w]."""

    depth_m: F32  # 0 where nothing is
    color: F32  # [h, w, 3] square roots
    voxel: I64  # the voxel nearest to the surface that was hit, -1 for none
    corners: I64  # [h, w, 8] the voxels around it, -1 for none


class Voxels(NamedTuple):
    """Values of voxels, or of the voxels nearest to what rays hit."""

    weight: F32
    lit: F32
    stamp: NDArray[np.uint32]
    thing: NDArray[np.uint32]
    look: NDArray[np.uint32]


def things(objects: NDArray[np.uint32], labels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """What a pixel is of, one number per object id and label, as they are remembered."""
    mixed = objects.astype(np.uint64) * np.uint64(2654435761) + labels.astype(np.uint64) * np.uint64(40503)
    return (mixed & np.uint64(0xFFFFFFFF)).astype(np.uint32)


class Grid:
    """The grid, owned by one thread. World positions are metres from `origin_m`."""

    def __init__(self, most_blocks: int, voxel_m: float = VOXEL_M) -> None:
        self.voxel_m, self.most_blocks = voxel_m, most_blocks
        self.move(np.zeros(3))
        self.left_out = 0  # blocks that there was no room for, so far
        self._grid = self._new(min(FEWEST_BLOCKS, most_blocks))

    def _new(self, blocks: int) -> Any:
        self._fragments = 0  # that it has room for in a cast
        kinds = tuple(getattr(o3d.core, kind) for kind, _ in ATTRIBUTES.values())
        channels = tuple((n,) for _, n in ATTRIBUTES.values())
        make: Any = o3d.t.geometry.VoxelBlockGrid
        return make(tuple(ATTRIBUTES), kinds, channels, self.voxel_m, SIDE, blocks, _CPU)

    def move(self, near_m: F64) -> None:
        """Have an empty grid begin near a place: its own coordinates are single floats. Not at a round number, as many
        walls and floors stand there, and a surface right through voxels has distances of 0: casts miss it."""
        self.origin_m: F64 = np.round(near_m) + 0.31 * self.voxel_m

    @property
    def blocks(self) -> int:
        return int(self._grid.hashmap().size())

    @property
    def bytes(self) -> int:
        return self.capacity * BLOCK_BYTES

    @property
    def capacity(self) -> int:
        """Blocks that there is room for until it grows."""
        return int(self._grid.hashmap().capacity())

    def clear(self) -> None:
        self._grid = self._new(min(FEWEST_BLOCKS, self.most_blocks))

    def values(self, name: str) -> NDArray[Any]:
        """An attribute [capacity * VOXELS, channels], in place: valid until the grid grows."""
        return np.asarray(self._grid.attribute(name).numpy()).reshape(-1, ATTRIBUTES[name][1])

    def active(self) -> NDArray[np.int32]:
        """Buffer indices [n] of the blocks that are in use."""
        return np.asarray(self._grid.hashmap().active_buf_indices().numpy())

    def keys(self) -> NDArray[np.int32]:
        """Block coordinates [capacity, 3], by buffer index."""
        return np.asarray(self._grid.hashmap().key_tensor().numpy())

    def at(self, voxels: I64) -> Voxels:
        """Values of voxels by their linear index."""
        return Voxels(*(self.values(name)[:, 0].take(voxels, mode="clip") for name in Voxels._fields))

    # -- in --

    def fuse(self, sight: Sight, color: F32, pixels: NDArray[np.bool_]) -> int:
        """Take in the pixels [h, w] of a view, with the plate's colours; how many blocks that touched.

        What was remembered there under another look is replaced, not averaged. Blocks that there is no room for are
        not taken; `room` makes some.
        """
        height, width = pixels.shape
        intrinsics, view_from_world = pinhole(sight.view.camera, height, width, self.origin_m)
        depth = np.where(pixels, sight.view.depth_m, np.float32(0))
        around = _filled(depth)
        if not (around[::TOUCH_PX, ::TOUCH_PX] > 0).any():  # Open3D raises then
            return 0
        image = o3d.t.geometry.Image(_tensor(depth))
        extrinsic = _tensor(view_from_world)
        touched = self._grid.compute_unique_block_coordinates(
            o3d.t.geometry.Image(_tensor(around)), _tensor(intrinsics), extrinsic, 1.0, FARTHEST_M, TOUCH_VOXELS
        )
        if not len(touched) or not len(touched := self._take(touched)):
            return 0
        buffers = self._grid.hashmap().find(touched)[0].numpy()
        voxels = (buffers[:, None].astype(np.int64) * VOXELS + np.arange(VOXELS)).ravel()
        self._drop_other_looks(voxels, sight.look)
        before = self.values("weight")[voxels, 0]
        centred = intrinsics.copy()
        centred[:2, 2] += 0.5  # it cuts fractions of a pixel off, where it should round
        self._grid.integrate(
            touched, image, o3d.t.geometry.Image(_tensor(color)), _tensor(centred), extrinsic, 1.0, FARTHEST_M,
            BAND_VOXELS,
        )  # fmt: skip
        changed = voxels[self.values("weight")[voxels, 0] != before]
        self._label(changed, sight, intrinsics, view_from_world)
        # What was seen as empty yields at once to what is put there.
        self.values("weight")[changed[self.values("tsdf")[changed, 0] > EMPTY]] = EMPTY_WEIGHT
        unseen = ~(self.values("weight")[voxels, 0].reshape(-1, VOXELS) > 0).any(axis=1)  # behind what was seen
        if unseen.any():
            self._grid.hashmap().erase(_tensor(touched.numpy()[unseen]))
        return int((~unseen).sum())

    def _take(self, wanted: Any) -> Any:
        """The blocks of `wanted` that there is room for, all of them in the grid; new ones are empty."""
        hashmap = self._grid.hashmap()
        new = ~hashmap.find(wanted)[1].numpy()
        # `integrate` counts every block as new when it asks whether there is room, and doubles the grid if not.
        needed = hashmap.size() + int(new.sum()) + len(new)
        if needed > hashmap.capacity():
            hashmap.reserve(min(self.most_blocks, max(needed, 2 * hashmap.capacity())))
        free = max(0, hashmap.capacity() - hashmap.size() - len(new))
        keep = ~new | (np.cumsum(new) <= free)
        self.left_out += int((~keep).sum())
        coordinates = wanted.numpy()
        if new[keep].any():
            taken = hashmap.activate(_tensor(coordinates[keep & new]))[0].numpy()
            self._empty((taken[:, None].astype(np.int64) * VOXELS + np.arange(VOXELS)).ravel())
        return _tensor(coordinates[keep])

    def _drop_other_looks(self, voxels: I64, look: int) -> None:
        others = self.values("look")[voxels, 0] != look
        stale = voxels[others]
        self._empty(stale[self.values("weight")[stale, 0] > 0])

    def _empty(self, voxels: I64) -> None:
        for name in ATTRIBUTES:
            self.values(name)[voxels] = 0

    def _label(self, voxels: I64, sight: Sight, intrinsics: F64, view_from_world: F64) -> None:
        """Write what Open3D does not know into the voxels that it has just changed."""
        x, y, z = self.places(voxels)
        m = (intrinsics @ view_from_world[:3]).astype(np.float32)
        u, v, w = (m[i, 0] * x + m[i, 1] * y + m[i, 2] * z + m[i, 3] for i in range(3))
        height, width = sight.view.depth_m.shape
        column = np.clip(np.rint(u / w), 0, width - 1).astype(np.intp)
        row = np.clip(np.rint(v / w), 0, height - 1).astype(np.intp)
        pixel = row * width + column
        assert sight.view.objects is not None
        self.values("thing")[voxels, 0] = things(sight.view.objects, sight.labels).ravel()[pixel]
        self.values("stamp")[voxels] = sight.now_ms
        self.values("look")[voxels] = sight.look
        lit, was, weight = sight.lit.ravel()[pixel], self.values("lit")[voxels, 0], self.values("weight")[voxels, 0]
        self.values("lit")[voxels, 0] = np.where(np.isfinite(was), was + (lit - was) / weight, lit)

    def places(self, voxels: I64) -> tuple[F32, F32, F32]:
        """Positions of voxels in metres from the origin."""
        block, inside = np.divmod(voxels, VOXELS)
        keys = self.keys()[block].astype(np.float32) * SIDE
        z, rest = np.divmod(inside, SIDE * SIDE)
        y, x = np.divmod(rest, SIDE)
        scale = np.float32(self.voxel_m)
        return (
            (keys[:, 0] + x.astype(np.float32)) * scale,
            (keys[:, 1] + y.astype(np.float32)) * scale,
            (keys[:, 2] + z.astype(np.float32)) * scale,
        )

    # -- out --

    def cast(self, sight: Sight) -> Cast:
        """What the grid holds along the rays of a view's pixels."""
        height, width = sight.view.depth_m.shape
        rows, columns = -(-height // DOWN) * DOWN, -(-width // DOWN) * DOWN
        intrinsics, view_from_world = pinhole(sight.view.camera, height, width, self.origin_m)
        near, fragments = self._in_view(view_from_world, intrinsics, height, width)
        if not len(near):
            none = np.full((height, width), -1, np.int64)
            flat = np.zeros((height, width, 3), np.float32)
            return Cast(flat[..., 0].copy(), flat, none, np.repeat(none[..., None], 8, axis=-1))
        pinned = _tensor(intrinsics), _tensor(view_from_world), columns, rows
        limits = 1.0, NEAREST_M, FARTHEST_M * 1.25, 0.5, BAND_VOXELS, DOWN
        if fragments > self._fragments:
            # Open3D makes room for what a cast needed after that cast, which lacks it. Every block several times needs
            # more than any view like this one will.
            often = -(-3 * fragments // len(near))
            self._grid.ray_cast(_tensor(np.tile(near, (often, 1))), *pinned, ["depth"], *limits)
            self._fragments = fragments + fragments // 4
        seen = self._grid.ray_cast(_tensor(near), *pinned, ["depth", "color", "index", "mask", "interp_ratio"], *limits)
        depth, color, index, mask, ratio = (
            np.asarray(seen[name].numpy())[:height, :width]
            for name in ("depth", "color", "index", "mask", "interp_ratio")
        )
        mask = mask & (depth > 0)
        corners = np.where(mask, index, -1)
        nearest = np.where(mask, ratio, -1.0).argmax(axis=-1)
        voxel = np.take_along_axis(corners, nearest[..., None], axis=-1)[..., 0]
        return Cast(depth[..., 0], color, voxel, corners)

    def _in_view(self, view_from_world: F64, intrinsics: F64, height: int, width: int) -> tuple[NDArray[np.int32], int]:
        """Coordinates of the blocks that a view can see, and the most fragments that a cast of them takes: squares of
        16 x 16 in the range map."""
        keys = self.keys()[self.active()]
        edge = self.voxel_m * SIDE
        centre = (keys + 0.5) * edge @ view_from_world[:3, :3].T + view_from_world[:3, 3]
        reach, depth = edge * 0.87, centre[:, 2]
        seen = (depth > -reach) & (depth < FARTHEST_M * 1.25 + reach)
        for axis, side in ((0, width), (1, height)):
            focal, middle = intrinsics[axis, axis], intrinsics[axis, 2]
            for sign, room in ((-1.0, middle + 0.5), (1.0, side - 0.5 - middle)):
                slope = room / focal
                seen &= sign * centre[:, axis] - slope * depth < reach * np.hypot(1.0, slope)
        extent = edge * 1.74 * intrinsics[0, 0] / DOWN / np.maximum(depth[seen] - reach, NEAREST_M)
        in_picture = -(-height // (16 * DOWN)) * -(-width // (16 * DOWN)) + 1
        fragments = np.minimum((extent / 16 + 2) ** 2, in_picture).sum()
        return np.ascontiguousarray(keys[seen]), int(fragments)

    # -- forgetting --

    def forget_voxels(self, voxels: I64) -> int:
        """Empty voxels by linear index; how many held something."""
        held = np.unique(voxels[voxels >= 0])
        held = held[self.values("weight")[held, 0] > 0]
        self._empty(held)
        return len(held)

    def forget_things(self, gone: NDArray[np.uint32]) -> int:
        """Empty every voxel of those `things`; how many held something."""
        active = self.active()
        of = self.values("thing").reshape(-1, VOXELS)[active]
        block, inside = np.nonzero(np.isin(of, gone))
        return self.forget_voxels(active[block].astype(np.int64) * VOXELS + inside)

    def evict(self, eye_m: F64, spare: int) -> int:
        """Let go of whole blocks until `spare` more fit into the budget; how many went.

        Those go first whose place in the order of age and in the order of distance from the eye, added, are highest.
        """
        excess = self.blocks + spare - self.most_blocks
        if excess <= 0:
            return 0
        active = self.active()
        keys = self.keys()[active]
        age = -self.values("stamp").reshape(-1, VOXELS)[active].max(axis=1).astype(np.int64)
        place = (keys + 0.5) * (self.voxel_m * SIDE) + self.origin_m - eye_m
        distance = (place**2).sum(axis=1)
        in_order = np.lexsort(keys.T)  # ties are broken by place, not by the order of a hash table
        score = np.empty(len(active), np.int64)
        score[in_order] = _ranks(age[in_order]) + _ranks(distance[in_order])
        out = in_order[np.argsort(score[in_order], kind="stable")[::-1][: min(excess, len(active))]]
        self._grid.hashmap().erase(_tensor(np.ascontiguousarray(keys[out])))
        return len(out)

    # -- to keep --

    def save(self) -> dict[str, NDArray[Any] | Gathered]:
        """All that the grid holds: blocks in order of their coordinates, and of each the voxels that hold something.
        These are gathered when they are asked for, and the grid is not to change before."""
        active = self.active()
        keys = self.keys()[active]
        order = np.lexsort(keys.T)
        blocks = active[order].astype(np.int64)
        weight = self.values("weight").reshape(-1, VOXELS)
        held, rows = np.zeros((len(blocks), VOXELS), bool), [np.zeros(0, np.int64)]
        for start in range(0, len(blocks), PART_BLOCKS):
            part = slice(start, start + PART_BLOCKS)
            held[part] = weight[blocks[part]] > 0
            rows.append((blocks[part, None] * VOXELS + np.arange(VOXELS))[held[part]])
        of_held = np.concatenate(rows)
        return {
            "grid.blocks": keys[order].copy(), "grid.held": np.packbits(held, axis=1), "grid.origin_m": self.origin_m,
            "grid.voxel_m": np.array([self.voxel_m]),
            **{f"grid.{name}": Gathered(self.values(name), of_held) for name in ATTRIBUTES},
        }  # fmt: skip

    def load(self, arrays: dict[str, NDArray[Any]]) -> None:
        """What `save` gave, in place of what is there. The caller has checked shapes and types."""
        blocks = arrays["grid.blocks"]
        self.origin_m, self.voxel_m = arrays["grid.origin_m"].copy(), float(arrays["grid.voxel_m"][0])
        self._grid = self._new(min(max(FEWEST_BLOCKS, 2 * len(blocks)), max(self.most_blocks, len(blocks))))
        if not len(blocks):
            return
        buffers = self._grid.hashmap().activate(_tensor(np.ascontiguousarray(blocks)))[0].numpy().astype(np.int64)
        pairs = [(_flat(self.values(name)), _flat(arrays[f"grid.{name}"])) for name in ATTRIBUTES]
        done = 0
        for start in range(0, len(blocks), PART_BLOCKS):
            part = slice(start, start + PART_BLOCKS)
            held = np.unpackbits(arrays["grid.held"][part], axis=1).view(bool)
            rows = (buffers[part, None] * VOXELS + np.arange(VOXELS))[held]
            for into, told in pairs:
                into.reshape(self.capacity, -1)[buffers[part]] = 0  # Open3D says nothing of what lay there
                into[rows] = told[done : done + len(rows)]
            done += len(rows)

    def mesh(self) -> tuple[F64, NDArray[np.int32], F32]:
        """Vertices [n, 3] in world metres, triangles [m, 3] and colours [n, 3], scene-linear."""
        if not self.blocks:
            return np.zeros((0, 3)), np.zeros((0, 3), np.int32), np.zeros((0, 3), np.float32)
        mesh = self._grid.extract_triangle_mesh(0.5)
        vertices = mesh.vertex.positions.numpy().astype(np.float64) + self.origin_m
        return vertices, mesh.triangle.indices.numpy().astype(np.int32), mesh.vertex.colors.numpy() ** 2

    def points(self) -> tuple[F64, F32, F32]:
        """Points [n, 3] in world metres, unit normals [n, 3] and colours [n, 3], scene-linear."""
        if not self.blocks:
            return np.zeros((0, 3)), np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)
        cloud = self._grid.extract_point_cloud(0.5).point
        return (
            cloud.positions.numpy().astype(np.float64) + self.origin_m,
            cloud.normals.numpy(),
            cloud.colors.numpy() ** 2,
        )


def _tensor(array: NDArray[Any]) -> Any:
    make: Any = o3d.core.Tensor  # its own type hints know no NumPy
    return make(np.ascontiguousarray(array))


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    """Of one channel [n], else as they are [n, channels]: NumPy follows an index into [n, 1] more slowly."""
    return values[:, 0] if values.shape[1] == 1 else values


def _filled(depth: F32) -> F32:
    """Depth [h, w] with the holes (0) filled from beside them, so that blocks are found by every TOUCH_PX-th pixel."""
    for axis in (0, 1):
        for step in (1, -1):
            depth = np.where(depth > 0, depth, np.roll(depth, step, axis))
    return depth


def _ranks(values: NDArray[Any]) -> I64:
    """The place of each value among all of them, the lowest first."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ranks
