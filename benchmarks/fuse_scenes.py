"""Scenes for benchmarks/fuse.py: a sign before a camera, coded, and the sign as it really was."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import stroke_font
from numpy.typing import NDArray

SCALE = 4
"""Of the truth, in parts of the region."""
_FINE = 8  # points of the drawn world along a camera's pixel
_MARGIN = 1.8  # units of the font around a sign's letters
_ROOM = 20  # pixels of the picture around the region
_HEAD = 10  # pixels of the picture above and below what passes
_RATE = 25
_FRAMES = (10, 20, 50, 100, 200)
_SOURCES = ((23, 27), (27, 30), (30, 33), (33, 36))  # from a CRF on, to another
_MOTIONS = ("shift", "shift", "turn", "perspective")
_HIDDEN = 0.4  # of all scenes have something before the sign now and then
_COLOURS = (  # ground and letters, red, green and blue
    ((235, 235, 230), (25, 25, 35)),
    ((225, 190, 60), (30, 25, 20)),
    ((30, 60, 140), (235, 235, 235)),
    ((30, 95, 60), (230, 230, 220)),
    ((200, 200, 205), (140, 30, 30)),
)
Colours = NDArray[np.float32]
Luma = NDArray[np.uint8]
Matrix3 = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """What is before the camera, and how it is recorded.

    Attributes:
        seed: all else follows from it.
        script, lines: what is written, in the order of reading.
        unit: of the font, in pixels of the camera.
        thick: of its strokes, in units.
        colours: of the ground and of the letters.
        frames, noise, crf, blur: how many, deviation in steps of 255, of H.264, and the deviation
            of the lens's Gaussian in pixels.
        motion: one of _MOTIONS.
        hidden: whether something passes before it.
    """

    seed: int
    script: str
    lines: tuple[str, ...]
    unit: float
    thick: float
    colours: tuple[tuple[int, int, int], tuple[int, int, int]]
    frames: int
    noise: float
    crf: int
    blur: float
    motion: str
    hidden: bool

    @property
    def text(self) -> str:
        """All that is written."""
        return "".join(self.lines)

    @property
    def glyphs(self) -> list[list[str]]:
        """Of each line, from left to right."""
        known = stroke_font.SCRIPTS[self.script]
        step = -1 if self.script in stroke_font.RIGHT_TO_LEFT else 1
        return [[known[character] for character in line[::step]] for line in self.lines]

    @property
    def light_on_dark(self) -> bool:
        ground, ink = (_luma(np.array(colour, float)) for colour in self.colours)
        return bool(ink > ground)

    def ink(self, unit: float) -> tuple[Luma, list[list[tuple[float, float]]]]:
        """The letters as 255 on 0, and where each begins."""
        return stroke_font.page(self.glyphs, unit, self.thick * unit, _MARGIN)


def scene(seed: int) -> Scene:
    """The scene of a seed. Scripts, frames and coarseness come in turn, the rest by chance."""
    random = np.random.default_rng(seed)
    script = list(stroke_font.SCRIPTS)[seed % len(stroke_font.SCRIPTS)]
    known = list(stroke_font.SCRIPTS[script])
    count = int(random.integers(5, 10)) if script != "Chinese" else int(random.integers(4, 7))
    lines = tuple(
        "".join(known[place] for place in random.permutation(len(known))[:count]) for _ in range(2)
    )
    unit = float(random.uniform(0.7, 1.1))
    low, high = _SOURCES[seed // len(stroke_font.SCRIPTS) % len(_SOURCES)]
    return Scene(
        seed=seed,
        script=script,
        lines=lines,
        unit=unit if script != "Chinese" else 1.2 * unit,
        thick=float(random.uniform(0.8, 1.1)),
        colours=_COLOURS[int(random.integers(len(_COLOURS)))],
        frames=_FRAMES[int(random.integers(len(_FRAMES)))],
        noise=float(random.uniform(2, 8)),
        crf=int(random.integers(low, high + 1)),
        blur=float(random.uniform(0.3, 0.9)),
        motion=_MOTIONS[int(random.integers(len(_MOTIONS)))],
        hidden=bool(random.random() < _HIDDEN),
    )


@dataclass(frozen=True)
class Recorded:
    """A scene as a file.

    Attributes:
        path: the video.
        box: x, y, width and height of the sign in its first frame.
        truth: luma (h, w) uint8, SCALE times the box, without lens, noise and coding.
    """

    path: Path
    box: tuple[int, int, int, int]
    truth: Luma


def record(scene: Scene, path: Path) -> Recorded:
    """Film it. The same scene gives the same frames."""
    random = np.random.default_rng([scene.seed, 1])
    sign = _sign(scene)
    width, height = (side // _FINE for side in sign.shape[1::-1])
    columns, rows = (side + 2 * _ROOM for side in (width, height))
    ground = _ground(random, rows, columns)
    places = _places(scene, random, width, height)
    passing = _passing(scene, random, width)
    truth = np.empty(0)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", _RATE)
        stream.width, stream.height, stream.pix_fmt = columns, rows, "yuv420p"
        stream.options = {"crf": str(scene.crf), "preset": "medium", "threads": "1"}
        stream.time_base = Fraction(1, _RATE)
        for number, place in enumerate(places):
            world = _world(sign, ground, place)
            if not number:
                truth = _truth(world, width, height)
            if number in passing:
                x = round((_ROOM + passing[number]) * _FINE)
                across = slice(max(0, x), max(0, x + width * _FINE // 3))
                world[_HEAD * _FINE : -_HEAD * _FINE, across] = (70, 60, 55)
            seen = _camera(world, scene.blur, columns, rows)
            seen += random.normal(0, scene.noise, seen.shape)
            levels = np.clip(np.rint(seen), 0, 255).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(levels, "rgb24")))
        out.mux(stream.encode(None))
    return Recorded(path, (_ROOM, _ROOM, width, height), truth)


def luma(colours: NDArray[np.uint8]) -> Luma:
    """Of red, green and blue (H, W, 3), by BT.601, full range."""
    levels: Luma = np.rint(_luma(colours.astype(float))).astype(np.uint8)
    return levels


def _luma(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    return colours @ np.array([0.299, 0.587, 0.114])


def _sign(scene: Scene) -> Colours:
    """The sign (H, W, 3), _FINE points a pixel."""
    ink, _ = scene.ink(scene.unit * _FINE)
    even = 2 * _FINE  # vidsr takes whole chroma pixels
    height, width = (-(-side // even) * even for side in ink.shape)
    ink = cv2.copyMakeBorder(
        ink, 0, height - ink.shape[0], 0, width - ink.shape[1], cv2.BORDER_CONSTANT
    )
    edge = round(0.35 * scene.unit * _FINE)
    cv2.rectangle(ink, (edge, edge), (width - 1 - edge, height - 1 - edge), 255, edge)
    share = ink[..., None].astype(np.float32) / 255
    ground, letters = (np.array(colour, np.float32) for colour in scene.colours)
    return np.asarray(ground * (1 - share) + letters * share, np.float32)


def _ground(random: np.random.Generator, rows: int, columns: int) -> Colours:
    """What is behind: spots of several sizes, (H, W, 3), _FINE points a pixel."""
    found = np.full((rows * _FINE, columns * _FINE, 3), 110, np.float32)
    for spots, strength in ((6, 35), (24, 20)):
        coarse = random.normal(0, strength, (spots, spots * 2, 3)).astype(np.float32)
        found += cv2.resize(coarse, found.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(found.clip(0, 255), np.float32)


def _places(scene: Scene, random: np.random.Generator, width: int, height: int) -> list[Matrix3]:
    """Where the sign is in each frame: from its points to the picture's, of _FINE a pixel."""
    count = scene.frames
    times = np.arange(count)
    span = _ROOM - 12
    drift = [span * np.sin(times * random.uniform(0.02, 0.12) * side) for side in (1, -1)]
    shake = random.normal(0, 0.25, (2, count))
    shifts = np.array(drift) * [[1], [0.6]] + shake
    shifts -= shifts[:, :1]
    shifts = shifts.clip(-span - 4, span + 4)
    angles, tilts = np.zeros(count), np.zeros((2, count))
    if scene.motion != "shift":
        angles = np.deg2rad(3) * (np.sin(times * 0.09 + 1) - np.sin(1.0))
    if scene.motion == "perspective":
        tilts = 0.06 * np.array([np.sin(times * 0.05), np.sin(times * 0.07)])
    return [
        _place(width, height, shifts[:, n], float(angles[n]), tilts[:, n]) for n in range(count)
    ]


def _place(
    width: int, height: int, way: NDArray[np.float64], angle: float, tilt: NDArray[np.float64]
) -> Matrix3:
    """Shifted by `way` pixels, turned, and tilted: parts of its size that one end grows by."""
    half = np.array([width, height]) * _FINE / 2
    centred = np.array([[1, 0, 0.5 - half[0]], [0, 1, 0.5 - half[1]], [0, 0, 1]])
    turned = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    tilted = np.eye(3)
    tilted[2, :2] = tilt / half
    middle = half + (_ROOM + way) * _FINE - 0.5
    moved = np.array([[1, 0, middle[0]], [0, 1, middle[1]], [0, 0, 1]])
    return np.asarray(moved @ tilted @ turned @ centred)


def _passing(scene: Scene, random: np.random.Generator, width: int) -> dict[int, float]:
    """In which frames a dark bar is where, in pixels from the sign's left end; never the first."""
    if not scene.hidden:
        return {}
    begin = int(random.integers(2, max(3, scene.frames // 2)))
    long = max(3, scene.frames // 5)
    ways = np.linspace(-width / 3, width, long)
    return {begin + n: float(way) for n, way in enumerate(ways) if begin + n < scene.frames}


def _world(sign: Colours, ground: Colours, place: Matrix3) -> Colours:
    size = ground.shape[1::-1]
    shown = cv2.warpPerspective(sign, place, size, flags=cv2.INTER_LINEAR)
    share = cv2.warpPerspective(np.ones(sign.shape[:2], np.float32), place, size)[..., None]
    return np.asarray(ground * (1 - share) + shown, np.float32)


def _truth(world: Colours, width: int, height: int) -> Luma:
    """What the region is, as pixels SCALE times as fine as the camera's."""
    inside = slice(_ROOM * _FINE, (_ROOM + height) * _FINE), slice(None)
    part = world[inside][:, _ROOM * _FINE : (_ROOM + width) * _FINE]
    size = (width * SCALE, height * SCALE)
    levels = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return luma(np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def _camera(world: Colours, blur: float, columns: int, rows: int) -> NDArray[np.float64]:
    """Through a lens onto pixels that sum up what falls on them."""
    through = cv2.GaussianBlur(world, (0, 0), blur * _FINE)
    small = cv2.resize(through, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float64)
