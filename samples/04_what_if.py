"""What if: at one moment the engine and its painted world are forked, a thing is pushed one way in one future and the
other way in the other, and both are shown side by side.

    python samples/04_what_if.py [--out DIR] [--size WxH] [--seed N] [--model limn|passthrough]

Engine and renderer are in this one process, joined as two processes are. A third future repeats the first: not one bit
of it may be different. Writes 04_what_if.png and 04_what_if.mp4.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bridge.client import Client
from bridge.ends import memory_pair
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.schema import Limits, PlaneName, SyncMode, Transport
from renderer.display import display_rgba
from renderer.film import write_mp4
from renderer.models import load_model
from renderer.serve import Renderer

FPS = 25
Plates = list[NDArray[np.float16]]
Push = tuple[float, float, float]  # m/s, world space
FUTURES: dict[str, tuple[str, Push]] = {  # stream: words, what is done to the thing
    "main": ("pushed to the left", (-2.2, 1.5, 0.0)),
    "what if": ("pushed to the right", (2.2, 1.5, 0.0)),
    "the same": ("pushed to the left again", (-2.2, 1.5, 0.0)),
}


@contextmanager
def rendered(model_name: str, width: int, height: int) -> Iterator[Client]:
    """An engine's client at a renderer in a thread of this process."""
    engine_end, renderer_end = memory_pair()
    model = load_model(model_name)
    stop = threading.Event()
    renderer = Renderer(renderer_end, model, "", Limits())
    thread = threading.Thread(target=renderer.run, args=(stop,))
    thread.start()
    planes = {name: (kind,) for name, kind in FORMATS.items()}
    client = Client(width, height, planes, sync=SyncMode.OFFLINE, transports=(Transport.INLINE,), connection=engine_end)
    try:
        client.connect()
        yield client
    finally:
        client.close()
        stop.set()
        thread.join()
        model.close()


def play(client: Client, engine: EmbeddedEngine, frames: int, stream: str = "main") -> Plates:
    """Steps the engine and has each frame painted in a stream of its world."""
    plates = []
    for _ in range(frames):
        engine.step(1.0 / FPS)
        slot = client.begin()
        engine.render({name: plane for name, plane in slot.inputs.items() if name in FORMATS})
        client.submit(slot, engine.camera(), bodies=engine.bodies(), stream=stream)
        shown = client.present()
        if shown is None or shown.plate is None:
            raise SystemExit(f"no plate: {shown.reason if shown is not None else 'the renderer is gone'}")
        plates.append(np.array(shown.plate))
    return plates


def thing_in_view(engine: EmbeddedEngine) -> int:
    """The moving body that most pixels show."""
    ids = np.zeros((engine.height, engine.width), np.uint32)
    engine.render({PlaneName.OBJECT: ids})
    moving = np.array([body.object_id for body in engine.world.bodies], np.uint32)
    return int(moving[np.argmax([(ids == each).sum() for each in moving])])


def futures(client: Client, engine: EmbeddedEngine, seconds: float) -> dict[str, Plates]:
    """What comes after this moment, by stream."""
    thing = thing_in_view(engine)
    forks = {stream: engine.fork() for stream in FUTURES}
    for stream in list(FUTURES)[1:]:
        client.worlds.fork(stream, "main")
    films = {}
    for stream, (_, push) in FUTURES.items():
        forks[stream].look(engine.key, cut=False)  # from where the camera is at that moment
        forks[stream].push(thing, push)
        films[stream] = play(client, forks[stream], round(seconds * FPS), stream)
    return films


def side_by_side(left: NDArray[np.float16], right: NDArray[np.float16]) -> NDArray[np.uint8]:
    """Two plates as one picture [H, 2 W, 3], each with its words."""
    wide = np.concatenate([display_rgba(left)[..., :3], display_rgba(right)[..., :3]], axis=1)
    image = Image.fromarray(wide)
    draw = ImageDraw.Draw(image)
    for n, stream in enumerate(("main", "what if")):
        draw.text((n * left.shape[1] + 6, 4), FUTURES[stream][0], fill="white", stroke_width=1, stroke_fill="black")
    return np.asarray(image)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--size", default="320x180")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each future (default 2)")
    parser.add_argument("--model", default="limn", help="limn or passthrough")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    engine = EmbeddedEngine(courtyard(options.seed), width, height)
    engine.settle(2.0)
    with rendered(options.model, width, height) as client:
        play(client, engine, 5)
        films = futures(client, engine, options.seconds)
    pictures = [side_by_side(*pair) for pair in zip(films["main"], films["what if"], strict=True)]
    options.out.mkdir(parents=True, exist_ok=True)
    moments = [pictures[n * (len(pictures) - 1) // 2] for n in range(3)]
    Image.fromarray(np.concatenate(moments)).save(options.out / "04_what_if.png")
    write_mp4(options.out / "04_what_if.mp4", pictures, FPS)
    same = all((a == b).all() for a, b in zip(films["main"], films["the same"], strict=True))
    halves = [np.split(picture.astype(np.int16), 2, axis=1) for picture in pictures]
    apart = np.mean([(np.abs(left - right) > 1).any(axis=-1).mean() for left, right in halves])
    bits = "the same bits" if same else "OTHER bits"
    sys.stdout.write(f"{options.out / '04_what_if.png'}: the same push gives {bits}, the other push changes"
                     f" {apart:.1%} of the pixels by more than a level of 255\n")  # fmt: skip
    return 0 if same and apart > 0.0 else 1


if __name__ == "__main__":
    sys.exit(main())
