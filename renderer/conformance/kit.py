"""The kit as it is used: all measures and all readings, for an engine that shows the known scene or any other."""

from __future__ import annotations

from renderer.conformance.judge import Judge
from renderer.conformance.measures.colour import COLOUR
from renderer.conformance.measures.geometry import GEOMETRY
from renderer.conformance.measures.header import HEADER
from renderer.conformance.measures.scene import SCENE
from renderer.conformance.measures.values import VALUES
from renderer.conformance.readings.colour import COLOUR_READINGS, SCENE_READINGS
from renderer.conformance.readings.lens import PROJECTIONS
from renderer.conformance.readings.planes import PLANE_READINGS
from renderer.conformance.readings.poses import POSES, UNITS, WORLDS

MEASURES = (*GEOMETRY, *HEADER, *VALUES, *COLOUR)
READINGS = (*PLANE_READINGS, *UNITS, *WORLDS, *POSES, *PROJECTIONS, *COLOUR_READINGS)


def judge_for(*, scene: bool) -> Judge:
    """`scene`: the engine shows the known scene, and is held to it as well."""
    return Judge((*MEASURES, *SCENE), (*READINGS, *SCENE_READINGS)) if scene else Judge(MEASURES, READINGS)
