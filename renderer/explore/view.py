"""Looks at the surfaces behind one picture from anywhere: rays by Embree, through Open3D; planes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency
from bridge.planes import PlaneViews
from bridge.schema import Label, PlaneName, Pose
from bridge.spaces import rotate
from renderer.explore.still import F32, F64, Still
from renderer.explore.surfaces import BEHIND, I32, LEVEL_GROUND, SEEN, Surfaces, rays_of, surfaces_of

SKY_BINS = 90  # of elevation, a degree each
ASIDE_PX = 0.02
SKY = np.array([0.35, 0.45, 0.65], np.float32)  # where the picture shows none


@dataclass(frozen=True)
class Look:
    """What is seen from one place: planes as an engine gives them, and which pixels the picture did not show."""

    planes: PlaneViews
    continued: NDArray[np.bool_]  # [H, W]


class Explorable:
    """The world behind one picture. The same place always looks the same: everything was built at the start."""

    def __init__(self, still: Still) -> None:
        """Raises MissingDependency without Open3D."""
        self.still = still
        self._turn = _turn_of(still.pose)
        self.surfaces: Surfaces = surfaces_of(still, self._turn.T @ np.array([0.0, 1.0, 0.0]))
        vertices, triangles, self._gap_texel = self.surfaces.gaps
        self._scene = _scene(self.surfaces.vertices_m, self.surfaces.triangles)
        self._gaps = _scene(vertices, triangles) if len(triangles) else None
        self._sky = _sky_of(still, self._turn)
        normal = still.planes.get(PlaneName.NORMAL)
        seen = self.surfaces.normals @ self._turn.T
        self._normal: F32 = (seen if normal is None else normal.reshape(-1, 3)).astype(np.float32)

    def look(self, pose: Pose, *, finer: int = 1) -> Look:
        """From a pose in the world, at the picture's own size and angle of view. `finer` rays each way make a pixel's
        colour; the other planes are those of the middle one."""
        width, height = self.still.size
        right, up = self.still.tangents
        rays = rays_of(self.still, finer=finer)
        # A little aside: a ray that meets a vertex exactly may slip between its triangles.
        rays[..., :2] += np.array([ASIDE_PX * right / width, -ASIDE_PX * up / height], np.float32)
        turn = _turn_of(pose)
        moved = self._turn.T @ (np.array(pose.position_m) - np.array(self.still.pose.position_m))
        directions = rays @ (self._turn.T @ turn).T.astype(np.float32)
        depth, texels, weights, kind = self._hits(moved, directions)
        color = self._colors(self.still.color.reshape(-1, 3), texels, weights)
        none = ~np.isfinite(depth)
        color[none] = self._sky_at((directions[none] @ self._turn.T).astype(np.float32))
        planes = self._planes(depth, texels, weights, finer)
        planes[PlaneName.COLOR] = np.ones((height, width, 4), np.float32)
        planes[PlaneName.COLOR][..., :3] = color.reshape(height, finer, width, finer, 3).mean(axis=(1, 3))
        return Look(planes, _middle(np.isfinite(depth) & (kind != SEEN), finer))

    def mesh(self) -> dict[str, NDArray[Any]]:
        """For a GLB: `vertices_m`, `triangles` and `colors` in the world."""
        surfaces = self.surfaces
        vertices = surfaces.vertices_m.astype(np.float64) @ self._turn.T + np.array(self.still.pose.position_m)
        colors = self.still.color.reshape(-1, 3)[surfaces.texel]
        return {"vertices_m": vertices, "triangles": surfaces.triangles, "colors": colors}

    def _hits(self, origin: F64, directions: F32) -> tuple[F32, I32, F32, NDArray[np.uint8]]:
        """Depth [h, w], the texels of the triangle's corners and their weights [h, w, 3], and what was hit."""
        rays = np.empty((*directions.shape[:2], 6), np.float32)
        rays[..., :3], rays[..., 3:] = origin, directions
        surfaces = self.surfaces
        depth, corners, weights = _cast(self._scene, rays, surfaces.triangles)
        texels, kind = surfaces.texel[corners], surfaces.kind[corners].max(axis=-1)
        lost = ~np.isfinite(depth) | (kind == LEVEL_GROUND)
        if self._gaps is not None and lost.any():
            nearer, corners, _ = _cast(self._gaps, rays[lost], surfaces.gaps[1])
            better = np.isfinite(nearer) & (nearer < depth[lost])
            depth[lost] = np.where(better, nearer, depth[lost])
            texels[lost] = np.where(better[:, None], self._gap_texel[corners], texels[lost])
            kind[lost] = np.where(better, BEHIND, kind[lost])
        return depth, texels, weights, kind

    def _colors(self, values: F32, texels: I32, weights: F32) -> F32:
        return np.asarray((values[texels] * weights[..., None]).sum(axis=-2), np.float32)

    def _planes(self, depth: F32, texels: I32, weights: F32, finer: int) -> PlaneViews:
        """All planes but color, of the middle rays."""
        depth, texels, weights = (_middle(each, finer) for each in (depth, texels, weights))
        solid = np.isfinite(depth)
        nearest = np.take_along_axis(texels, weights.argmax(axis=-1)[..., None], axis=-1)[..., 0]
        planes: PlaneViews = {PlaneName.DEPTH: depth, PlaneName.NORMAL: _wide(self._normal[nearest] * solid[..., None])}
        told = self.still.planes
        ids = told[PlaneName.OBJECT].ravel()[nearest] if PlaneName.OBJECT in told else np.uint32(1)
        planes[PlaneName.OBJECT] = np.where(solid, ids, 0).astype(np.uint32)
        if PlaneName.LABEL in told:
            labels = told[PlaneName.LABEL].ravel()[nearest]
            planes[PlaneName.LABEL] = np.where(solid, labels, int(Label.SKY)).astype(np.uint8)
        if PlaneName.ALBEDO in told:
            albedo = self._colors(told[PlaneName.ALBEDO].reshape(-1, 3), texels, weights)
            planes[PlaneName.ALBEDO] = _wide(albedo * solid[..., None])
        if PlaneName.MATERIAL in told:
            planes[PlaneName.MATERIAL] = told[PlaneName.MATERIAL].reshape(-1, 2)[nearest].astype(np.float16)
        return planes

    def _sky_at(self, directions: F32) -> F32:
        up = directions[..., 1] / np.linalg.norm(directions, axis=-1)
        at = np.clip(np.degrees(np.arcsin(np.clip(up, -1.0, 1.0))) - 0.5, 0.0, SKY_BINS - 1.0)
        low = np.floor(at).astype(np.int32)
        share = (at - low)[..., None]
        return np.asarray(
            self._sky[low] * (1 - share) + self._sky[np.minimum(low + 1, SKY_BINS - 1)] * share, np.float32
        )


def _turn_of(pose: Pose) -> F64:
    """world_from_camera [3, 3] of directions."""
    return rotate(pose.orientation, np.eye(3)).T


def _middle(values: NDArray[Any], finer: int) -> NDArray[Any]:
    return np.ascontiguousarray(values[finer // 2 :: finer, finer // 2 :: finer])


def _wide(values: F32) -> NDArray[np.float16]:
    """[H, W, 3] as the wire has it: half floats [H, W, 4]."""
    wide = np.zeros((*values.shape[:2], 4), np.float16)
    wide[..., :3] = values
    return wide


def _cast(scene: Any, rays: F32, triangles: I32) -> tuple[F32, I32, F32]:
    """Depth [...], the vertices of the triangle that is hit [..., 3], and their weights; +inf where none is."""
    import open3d.core as o3c

    hit = scene.cast_rays(o3c.Tensor.from_numpy(np.ascontiguousarray(rays)))
    depth = hit["t_hit"].numpy()
    triangle = np.where(np.isfinite(depth), hit["primitive_ids"].numpy().astype(np.int64), 0)
    uv = hit["primitive_uvs"].numpy()
    weights = np.stack([1.0 - uv[..., 0] - uv[..., 1], uv[..., 0], uv[..., 1]], axis=-1)
    return depth, triangles[triangle], weights.astype(np.float32)


def _scene(vertices_m: F32, triangles: I32) -> Any:
    try:
        import open3d as o3d
    except ImportError as error:
        raise MissingDependency(
            f"Exploring a picture needs open3d: {error}", fix='Install it with `pip install "worldplate[world]"`.'
        ) from error
    scene = o3d.t.geometry.RaycastingScene()
    arrays = (np.ascontiguousarray(array) for array in (vertices_m, triangles.astype(np.uint32)))
    scene.add_triangles(*(o3d.core.Tensor.from_numpy(array) for array in arrays))
    return scene


def _sky_of(still: Still, turn: F64) -> F32:
    """Colours [SKY_BINS, 3] by elevation: the median of what the picture shows, and between and beyond it the
    nearest."""
    none = ~np.isfinite(still.depth_m)
    if not none.any():
        return np.tile(SKY, (SKY_BINS, 1))
    directions = rays_of(still)[none] @ turn.T.astype(np.float32)
    elevation = np.degrees(np.arcsin(directions[:, 1] / np.linalg.norm(directions, axis=-1)))
    place = np.clip(elevation.astype(np.int32), 0, SKY_BINS - 1)
    colors = still.color[none]
    there = np.unique(place)
    medians = np.array([np.median(colors[place == bin_], axis=0) for bin_ in there])
    bins = np.arange(SKY_BINS)
    return np.stack([np.interp(bins, there, medians[:, c]) for c in range(3)], axis=-1).astype(np.float32)
