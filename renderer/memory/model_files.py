"""The remembered world as files that other programs open: a coloured mesh (GLB) and a point cloud (PLY)."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency

Arrays = dict[str, NDArray[Any]]


def glb(mesh: Arrays) -> bytes:
    """Binary glTF 2.0 of what `WorldMemory.mesh` gives: metres, +Y up, linear vertex colours cut off at 1, unlit, since
    the light is in them. Positions are told from the middle of the world, as single floats. Raises MissingDependency.
    """
    try:
        library = importlib.import_module("pygltflib")
    except ImportError as error:
        raise MissingDependency(
            f"GLB files need pygltflib: {error}", fix='Install it with `pip install "worldplate[world]"`.'
        ) from error
    vertices = mesh["vertices_m"]
    middle_m = np.round(vertices.mean(axis=0)) if len(vertices) else np.zeros(3)
    parts = {
        "positions": (vertices - middle_m).astype("<f4"),
        "colors": np.clip(mesh["colors"], 0.0, 1.0).astype("<f4"),
        "triangles": mesh["triangles"].astype("<u4"),
    }
    return b"".join(_gltf(library, parts, middle_m).save_to_bytes())


def _gltf(p: Any, parts: Arrays, middle_m: NDArray[np.float64]) -> Any:
    gltf = p.GLTF2(asset=p.Asset(generator="worldplate"), extensionsUsed=["KHR_materials_unlit"])
    gltf.scenes, gltf.scene = [p.Scene(nodes=[])], 0
    if not len(parts["triangles"]):
        return gltf
    blob = b"".join(part.tobytes() for part in parts.values())
    at = 0
    for name, part in parts.items():
        target = p.ELEMENT_ARRAY_BUFFER if name == "triangles" else p.ARRAY_BUFFER
        gltf.bufferViews.append(p.BufferView(buffer=0, byteOffset=at, byteLength=part.nbytes, target=target))
        at += part.nbytes
    low, high = (f(axis=0).tolist() for f in (parts["positions"].min, parts["positions"].max))
    count = len(parts["positions"])
    gltf.accessors = [
        p.Accessor(bufferView=0, componentType=p.FLOAT, count=count, type=p.VEC3, min=low, max=high),
        p.Accessor(bufferView=1, componentType=p.FLOAT, count=count, type=p.VEC3),
        p.Accessor(bufferView=2, componentType=p.UNSIGNED_INT, count=parts["triangles"].size, type=p.SCALAR),
    ]
    gltf.materials = [p.Material(name="remembered", doubleSided=True, extensions={"KHR_materials_unlit": {}})]
    surface = p.Primitive(attributes=p.Attributes(POSITION=0, COLOR_0=1), indices=2, material=0)
    gltf.meshes = [p.Mesh(name="world", primitives=[surface])]
    gltf.nodes = [p.Node(name="world", mesh=0, translation=middle_m.tolist())]
    gltf.scenes[0].nodes = [0]
    gltf.buffers = [p.Buffer(byteLength=len(blob))]
    gltf.set_binary_blob(blob)
    return gltf


def ply(points: Arrays) -> bytes:
    """Binary little-endian PLY of what `WorldMemory.points` gives: positions in metres as doubles, normals, and colours
    as sRGB bytes."""
    linear = np.clip(points["colors"], 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
    row = np.dtype([("position", "<f8", 3), ("normal", "<f4", 3), ("color", "u1", 3)])
    rows = np.zeros(len(linear), row)
    rows["position"], rows["normal"] = points["points_m"], points["normals"]
    rows["color"] = np.rint(srgb * 255.0)
    fields = [f"property double {a}" for a in "xyz"] + [f"property float n{a}" for a in "xyz"]
    fields += [f"property uchar {c}" for c in ("red", "green", "blue")]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(rows)}", *fields, "end_header\n"]
    return "\n".join(header).encode() + rows.tobytes()
