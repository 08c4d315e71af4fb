"""`python benchmarks/watermark.py [PART ...] [--clips DIR] [--json FILE]`: what the marks cost, and what they survive.

    clips         makes 20 clips of limn's plates, 640x360, 5 s at 25 frames per second, each another court, weather and
                  hour; stops after two minutes and goes on at the next call, until all are there
    speed         milliseconds to mark a 1280x720 frame on one core, whole plate and with a matte, and to read one
    films         marked, PSNR, through H.264 at CRF 23 and read back, clip by clip; goes on as `clips` does
    unmarked      1,000 unmarked pieces of the clips, each another window of place and time, mirrored or not, each read
                  with a key of its own: how many are taken for marked
    attacks       what else the mark survives: JPEG, stronger compression, size, crop, rotation, a screen filmed
    picture       docs/watermark.png: two frames, the same with the mark, and what it changes twenty times as strong
    credentials   signing and reading PNG, JPEG and MP4, and one bit changed at 64 places of each

Without a part all are run. The clips are whole plates (matte 1), shown by the demo's tone map.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import Colorspace
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.planes import pack_layouts, payload_bytes, views
from bridge.schema import ControlValue
from renderer.display import display_rgba
from renderer.models.limn.controls import CONTROLS, weather_of
from renderer.models.limn.light import light_of
from renderer.models.limn.model import Limn
from renderer.provenance.credentials import read, sign
from renderer.provenance.generation import Generation
from renderer.provenance.keys import Keys, load_keys
from renderer.provenance.watermark import FOUND, Evidence, Reading, mark
from renderer.report import machine, percentiles, versions

U8 = NDArray[np.uint8]
COUNT, FRAMES, FPS, WIDTH, HEIGHT = 20, 125, 25, 640, 360
UNMARKED = 1000
TURN_S = 110.0  # of the parts that go on at the next call
KEY, PAYLOAD = bytes(range(32)), 0xA5C3_0F69
FIRST_COURT = 100  # seed of the first clip's world
WEATHERS: tuple[dict[str, ControlValue], ...] = (
    {}, {"sun_elevation_deg": 1.5}, {"snow": 0.9}, {"sun_elevation_deg": -15.0, "wetness": 0.8},
    {"sun_elevation_deg": 14.0, "fog": 0.5, "cloud": 0.5}, {"cloud": 0.95}, {"autumn": 0.9, "sun_elevation_deg": 20.0},
    {"sun_elevation_deg": 60.0, "turbidity": 6.0}, {"wetness": 0.9, "cloud": 0.8}, {"fog": 0.9, "cloud": 0.3},
)  # fmt: skip
ATTACKED = (0, 2, 4, 13)  # clips: clear, snow, fog, night


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--clips", type=Path, default=Path("out/watermark"), help="their folder (1.7 GB)")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/watermark.json"))
    options = parser.parse_args()
    figures = json.loads(options.json.read_text()) if options.json.is_file() else {}
    for name in options.parts or PARTS:
        figures[name] = PARTS[name](options.clips, figures.get(name, {}))
        figures |= {"machine": machine(), "versions": versions()}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
        Console().print_json(json.dumps({name: {k: v for k, v in figures[name].items() if k != "each"}}))


def make_clips(folder: Path, _: dict[str, Any]) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(COUNT) if not clip_path(folder, n).exists()]
    began_s, limn = time.monotonic(), Limn() if missing else None
    for number in missing:
        if limn is None or time.monotonic() - began_s > TURN_S:
            break
        new = folder / "new.npy"
        np.save(new, clip_of(limn, number))
        new.rename(clip_path(folder, number))
    there = sum(clip_path(folder, n).exists() for n in range(COUNT))
    return {"there": there, "of": COUNT, "frames": FRAMES, "size": f"{WIDTH}x{HEIGHT}", "fps": FPS,
            "worlds": f"courtyard {FIRST_COURT} to {FIRST_COURT + COUNT - 1}", "weathers": list(WEATHERS)}  # fmt: skip


def clip_path(folder: Path, number: int) -> Path:
    return folder / f"clip-{number:02d}.npy"


def clip_of(limn: Limn, number: int) -> U8:
    """Display pictures [FRAMES, H, W, 3] of limn's plates in a world and weather of their own."""
    engine = EmbeddedEngine(courtyard(FIRST_COURT + number), WIDTH, HEIGHT)
    dials: dict[str, ControlValue] = {c.name: c.default for c in CONTROLS}
    dials |= {"sun_azimuth_deg": 37.0 * number % 360.0, "seed": float(number)} | WEATHERS[number % len(WEATHERS)]
    light = light_of(weather_of(dials, {}), number)
    layouts = pack_layouts(FORMATS, WIDTH, HEIGHT)
    planes = views(np.zeros(payload_bytes(layouts), np.uint8), layouts, writeable=True)
    for _ in range(FPS):
        engine.step(1.0 / FPS)
    clip = np.empty((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    for frame in range(FRAMES):
        engine.step(1.0 / FPS)
        engine.render(planes)
        plate = limn.paint(planes, engine.camera(), engine.bodies(), light)
        clip[frame] = display_rgba(plate)[..., :3]
    return clip


def clips(folder: Path) -> list[U8]:
    """All of them, read from disk as they are used."""
    paths = [clip_path(folder, n) for n in range(COUNT)]
    if not all(p.exists() for p in paths):
        sys.exit(f"Run `python benchmarks/watermark.py clips --clips {folder}` until all {COUNT} are there.")
    return [np.load(p, mmap_mode="r") for p in paths]


def speed(folder: Path, _: dict[str, Any]) -> dict[str, Any]:
    frame = np.ascontiguousarray(np.kron(clips(folder)[0][10], np.ones((2, 2, 1), np.uint8)))
    matte = np.zeros(frame.shape[:2], np.float32)
    matte[:, 200:] = np.linspace(0.2, 1.0, frame.shape[1] - 200)
    marked = mark(frame, KEY, PAYLOAD)
    rows: dict[str, Callable[[], object]] = {
        "mark": lambda: mark(frame, KEY, PAYLOAD),
        "mark with matte": lambda: mark(frame, KEY, PAYLOAD, matte),
        "add to the evidence": lambda: Evidence().add_picture(marked),
    }
    wall: dict[str, list[float]] = {name: [] for name in rows}
    core: dict[str, list[float]] = {name: [] for name in rows}
    for turn in range(105):  # rows take turns; the first five warm up
        for name, run in rows.items():
            start_s, start_ns = time.perf_counter(), time.thread_time_ns()
            run()
            if turn >= 5:
                core[name].append((time.thread_time_ns() - start_ns) / 1e6)
                wall[name].append((time.perf_counter() - start_s) * 1e3)
    return {"size": f"{frame.shape[1]}x{frame.shape[0]}", "threads": 1, "goal_ms": 4.0,
            "ms": {name: percentiles(values) for name, values in wall.items()},
            "ms_of_the_core": {name: percentiles(values) for name, values in core.items()}}  # fmt: skip


def films(folder: Path, before: dict[str, Any]) -> dict[str, Any]:
    each, began_s = dict(before.get("each", {})), time.monotonic()
    for number, clip in enumerate(clips(folder)):
        if str(number) not in each and time.monotonic() - began_s < TURN_S:
            each[str(number)] = film_row(clip)
    errors = [row["errors"] for row in each.values()]
    return {
        "crf": 23, "frames": FRAMES, "clips": len(each), "errors": sum(errors),
        "clips_without_error": sum(e == 0 for e in errors),
        "not_found": sum(not row["found"] for row in each.values()),
        "psnr_db_least": min(row["psnr_db_least"] for row in each.values()),
        "psnr_db_median": statistics.median(row["psnr_db"] for row in each.values()),
        "score_least": min(row["score"] for row in each.values()), "found_from_score": FOUND,
        "least_deviate": min(row["least_deviate"] for row in each.values()), "each": each,
    }  # fmt: skip


def film_row(clip: U8) -> dict[str, Any]:
    marked = [mark(frame, KEY, PAYLOAD) for frame in clip]
    psnr = [psnr_db(a, b) for a, b in zip(marked, clip, strict=True)]
    evidence = evidence_of(decoded(encoded(marked, 23)))
    return {**told(evidence.read(KEY)), "psnr_db": round(statistics.mean(psnr), 2),
            "psnr_db_least": round(min(psnr), 2),
            "least_deviate": round(float(np.abs(evidence.deviates(KEY)).min()), 2)}  # fmt: skip


def told(reading: Reading) -> dict[str, Any]:
    return {"found": reading.found, "score": round(reading.score, 1),
            "errors": (reading.payload ^ PAYLOAD).bit_count()}  # fmt: skip


def evidence_of(lumas: Iterator[NDArray[np.floating] | U8]) -> Evidence:
    evidence = Evidence()
    for luma in lumas:
        evidence.add(luma)
    return evidence


def encoded(frames: list[U8], crf: int, size: tuple[int, int] | None = None) -> bytes:
    """H.264 by x264, preset medium, of those frames, made smaller when `size` (width, height) says so."""
    buffer = io.BytesIO()
    width, height = size or (frames[0].shape[1], frames[0].shape[0])
    with av.open(buffer, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=Fraction(FPS), options={"crf": str(crf), "preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            planar = picture.reformat(width=width, height=height, format="yuv420p", dst_colorspace=Colorspace.ITU709)
            film.mux(stream.encode(planar))
        film.mux(stream.encode(None))
    return buffer.getvalue()


def decoded(film: bytes) -> Iterator[U8]:
    """Luma, frame by frame."""
    with av.open(io.BytesIO(film)) as opened:
        for frame in opened.decode(video=0):
            yield np.asarray(frame.to_ndarray()[: frame.height], np.uint8)


def psnr_db(a: U8, b: U8) -> float:
    return float(10.0 * np.log10(255.0**2 / np.mean((a.astype(np.float32) - b) ** 2)))


def unmarked(folder: Path, _: dict[str, Any]) -> dict[str, Any]:
    rng, sources = np.random.default_rng(17), clips(folder)
    scores = []
    for number in range(UNMARKED):
        evidence = Evidence()
        for frame in piece(sources[number % COUNT], rng):
            evidence.add_picture(frame)
        scores.append(evidence.read(rng.bytes(32)).score)
    return {"pieces": UNMARKED, "taken_for_marked": sum(score >= FOUND for score in scores),
            "score": percentiles(scores), "highest_score": round(max(scores), 1), "found_from_score": FOUND,
            "what": "windows of the 20 unmarked clips, at least half as wide and high, 5 to 25 frames, half mirrored; "
                    "each read with another random key"}  # fmt: skip


def piece(clip: U8, rng: np.random.Generator) -> U8:
    height, width = (int(rng.integers(side // 2, side + 1)) for side in (HEIGHT, WIDTH))
    y, x = int(rng.integers(0, HEIGHT - height + 1)), int(rng.integers(0, WIDTH - width + 1))
    count = int(rng.integers(5, 26))
    start = int(rng.integers(0, FRAMES - count + 1))
    window = clip[start : start + count, y : y + height, x : x + width]
    return np.ascontiguousarray(window[:, :, ::-1] if rng.random() < 0.5 else window)


def attacks(folder: Path, before: dict[str, Any]) -> dict[str, Any]:
    each, sources, began_s = dict(before.get("each", {})), clips(folder), time.monotonic()
    for name, attack in ATTACKS.items():
        if name not in each and time.monotonic() - began_s < TURN_S:
            each[name] = attacked(attack, sources)
    return {"clips": list(ATTACKED), "each": each} | {name: summary(rows) for name, rows in each.items()}


def summary(rows: list[dict[str, Any]]) -> str:
    whole = sum(row["found"] and row["errors"] == 0 for row in rows)
    return f"found in {sum(row['found'] for row in rows)}, payload whole in {whole} of {len(rows)}"


def attacked(attack: Callable[[list[U8]], Iterator[Any]], sources: list[U8]) -> list[dict[str, Any]]:
    rows = []
    for number in ATTACKED:
        marked = [mark(frame, KEY, PAYLOAD) for frame in sources[number][:50]]
        rows.append(told(evidence_of(attack(marked)).read(KEY)))
    return rows


def luma_of(image: Image.Image) -> U8:
    return np.asarray(image.convert("L"))


def one_jpeg(quality: int) -> Callable[[list[U8]], Iterator[U8]]:
    def attack(frames: list[U8]) -> Iterator[U8]:
        buffer = io.BytesIO()
        Image.fromarray(frames[20]).save(buffer, "JPEG", quality=quality)
        yield luma_of(Image.open(buffer))

    return attack


def film(crf: int, size: tuple[int, int] | None = None) -> Callable[[list[U8]], Iterator[U8]]:
    return lambda frames: decoded(encoded(frames, crf, size))


def moved(change: Callable[[Image.Image], Image.Image]) -> Callable[[list[U8]], Iterator[U8]]:
    """Each frame changed by Pillow, and then through H.264 at CRF 23."""

    def attack(frames: list[U8]) -> Iterator[U8]:
        return decoded(encoded([np.asarray(change(Image.fromarray(f)).resize((WIDTH, HEIGHT))) for f in frames], 23))

    return attack


def cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    """That share of each side cut off, and the rest drawn to the old size."""

    def change(image: Image.Image) -> Image.Image:
        x, y = share * image.width / 2.0, share * image.height / 2.0
        return image.resize(image.size, Image.Resampling.BICUBIC, box=(x, y, image.width - x, image.height - y))

    return change


def turned(angle_deg: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.rotate(angle_deg, Image.Resampling.BICUBIC)


def filmed(image: Image.Image) -> Image.Image:
    """A screen seen by a camera that stands a little to the side: 2 % of perspective, and half the sharpness."""
    w, h = image.size
    corners = (0.02 * w, 0.01 * h, 0, h, w, 0.99 * h, 0.98 * w, 0)
    seen = image.transform(image.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
    return seen.resize((w // 2, h // 2), Image.Resampling.BILINEAR).resize((w, h), Image.Resampling.BILINEAR)


def brighter(image: Image.Image) -> Image.Image:
    return image.point([round(255.0 * (v / 255.0) ** 0.8) for v in range(256)] * 3)


ATTACKS: dict[str, Callable[[list[U8]], Iterator[Any]]] = {
    "one frame as JPEG 90": one_jpeg(90),
    "one frame as JPEG 50": one_jpeg(50),
    "2 s at CRF 28": film(28),
    "2 s at CRF 33": film(33),
    "2 s at 320x180, CRF 23": film(23, (320, 180)),
    "2 s at 1280x720, CRF 23": film(23, (1280, 720)),
    "gamma 0.8": moved(brighter),
    "cropped by 0.25 %": moved(cropped(0.0025)),
    "cropped by 1 %": moved(cropped(0.01)),
    "cropped by 5 %": moved(cropped(0.05)),
    "turned by 0.1 degrees": moved(turned(0.1)),
    "turned by 1 degree": moved(turned(1.0)),
    "mirrored": moved(lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    "a screen filmed, 2 % aslant": moved(filmed),
}


def picture(folder: Path, _: dict[str, Any]) -> dict[str, Any]:
    rows = []
    for number in ATTACKED[:3:2]:
        frame = np.ascontiguousarray(clips(folder)[number][10])
        marked = mark(frame, KEY, PAYLOAD)
        change = np.clip(128 + 20 * (marked.astype(np.int16) - frame), 0, 255).astype(np.uint8)
        rows.append(np.concatenate([frame, marked, change], axis=1))
    path = Path("docs/watermark.png")
    Image.fromarray(np.concatenate(rows)).resize((1440, 540), Image.Resampling.LANCZOS).save(path, optimize=True)
    return {"file": str(path), "columns": ["unmarked", "marked", "difference, 20 times, around grey"]}


def credentials(folder: Path, _: dict[str, Any]) -> dict[str, Any]:
    frames = clips(folder)[0][:FPS]
    big = np.ascontiguousarray(np.kron(frames[10], np.ones((2, 2, 1), np.uint8)))
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        keys = load_keys(home / "keys")
        assert keys is not None
        Image.fromarray(big).save(home / "plain.png")
        Image.fromarray(big).save(home / "plain.jpg", quality=92)
        (home / "plain.mp4").write_bytes(encoded(list(frames), 23))
        return {kind: credentials_row(home, kind, keys) for kind in (".png", ".jpg", ".mp4")}


def credentials_row(home: Path, kind: str, keys: Keys) -> dict[str, Any]:
    plain, signed, harmed = (home / f"{word}{kind}" for word in ("plain", "signed", "harmed"))
    about = Generation(take="bench", take_id="ab" * 16, model="limn", software="Worldplate bench")
    times: dict[str, list[float]] = {"sign": [], "read": []}
    for _ in range(20):
        start_s = time.perf_counter()
        sign(plain, signed, about, keys)
        middle_s = time.perf_counter()
        state = read(signed, keys).state
        times["sign"].append((middle_s - start_s) * 1e3)
        times["read"].append((time.perf_counter() - middle_s) * 1e3)
    whole, rng, caught = signed.read_bytes(), np.random.default_rng(1), 0
    for at in rng.integers(len(whole) // 10, len(whole), 64):
        data = bytearray(whole)
        data[at] ^= 1 << int(rng.integers(8))
        harmed.write_bytes(data)
        caught += read(harmed, keys).state == "altered"
    return {"state": state, "bits_changed": 64, "caught": caught, "ms": {k: percentiles(v) for k, v in times.items()},
            "bytes_added": len(whole) - plain.stat().st_size}  # fmt: skip


PARTS: dict[str, Callable[[Path, dict[str, Any]], dict[str, Any]]] = {
    "clips": make_clips, "speed": speed, "films": films, "unmarked": unmarked, "attacks": attacks,
    "picture": picture, "credentials": credentials,
}  # fmt: skip


if __name__ == "__main__":
    main()
