"""The metrics by name, and what each is, in a sentence or two for the report."""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    title: str
    how: str


METRICS: dict[str, Metric] = {
    "W1": Metric(
        "Depth reprojection",
        "Mean absolute difference of what two frames show of the same surface, found by depth and poses, 0.96 s "
        "and 60 s apart; around steps in depth (3 px) it is not asked.",
    ),
    "W2": Metric(
        "Warp error",
        "Mean squared change along the engine's motion, x 1000, from frame to frame of a walk at 12.5 frames a "
        "second (Lai et al. 2018).",
    ),
    "W3": Metric("Static flicker", "Mean absolute change between frames while camera and scene stand still."),
    "W4": Metric(
        "Motion fidelity",
        "Pixels between the picture's own motion, by Lucas and Kanade along the engine's, and the engine's, where "
        "a window has a corner.",
    ),
    "W5": Metric(
        "Geometry adherence",
        "Share of the engine's breaks in depth, normal and id with an image edge within 2 px, over the engine "
        "frame's own share; and how far the nearest clear step is from a silhouette.",
    ),
    "W6": Metric(
        "Engine-owned pixels",
        "Largest difference of a pixel that the engine keeps, by label, id or distance.",
    ),
    "W7": Metric(
        "Permanence",
        "Things that pass wholly behind others, for about 1 s to 60 s: half of their outline shows and their "
        "colour differs by 5 ΔE₀₀ at most when they are back. Ghost: the edge energy of their outline while they "
        "are hidden, beyond that beside it, over that when they are in view.",
    ),
    "W8": Metric("Identity drift", "CIEDE2000 of each thing's mean colour to the first loop's, from the same poses."),
    "W9": Metric(
        "Revisit gap",
        "How much less alike, in dB of PSNR, two visits to a pose are than the engine's frames of it. PSNR ends at "
        "48.1 dB, a difference of one level: the world is at rest, so that the engine's own has no end.",
    ),
    "W10": Metric(
        "Long-horizon drift",
        "Loops of 10 s around a court at rest: brightness, contrast, colourfulness, sharpness and boundary recall "
        "over the engine's, against the first loop; slopes by Theil and Sen.",
    ),
    "W11": Metric(
        "Causal pairs",
        "Two futures of one past, with and without a push through the physics: change where the G-buffers do not "
        "differ (8 px around), change where they do over the engine's, frames until it begins, and the same future "
        "twice, bit for bit.",
    ),
    "W12": Metric(
        "Physics agreement",
        "Motion masks of the picture and of the engine's, as in Physics-IQ: where, where and when, and how much. First "
        "the picture's brightness gets the engine's distribution, by one rising curve for the whole film: a darker or "
        "flatter look moves as the engine does.",
    ),
    "W13": Metric(
        "Edit locality",
        "A thing is moved, added, deleted, given another material: change elsewhere, and frames until the edges "
        "are right and the picture has changed.",
    ),
}
