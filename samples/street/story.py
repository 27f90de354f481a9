"""Who is where when, and one whole frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import cv2
import numpy as np

from . import car, walker
from .camera import Camera
from .car import HATCHBACK, VAN, Car, Pose
from .charts import Field, leaf, lettering
from .patch import Patch, Picture
from .scenery import GREENS, railing, street
from .walker import Walker

WIDTH, HEIGHT, RATE, FRAMES = 1280, 720, 25, 100
DRAWN = 2  # drawn pixels per pixel of a frame
MARGIN = 12  # frame pixels drawn around it, for the camera to sway in
CLOCK = datetime(2016, 9, 16, 10, 24, 36)

RED = Car(HATCHBACK, (150, 28, 34), "VSR 2016")
BLUE = Car(HATCHBACK, (58, 92, 140), "SRX 4017")
WHITE = Car(VAN, (206, 208, 208), "HD 720")
CROSSING = Walker(
    (58, 84, 122), (46, 44, 50), (52, 38, 30), (206, 158, 128), (-3.1, 19.8), (1.28, 0.1),
    bag=(128, 78, 42),
)  # fmt: skip
STROLLING = Walker(
    (176, 150, 78), (52, 60, 84), (96, 70, 46), (214, 168, 138), (-4.55, 16.4), (0.1, -1.12)
)


def frames() -> Iterator[Picture]:
    """The frames of the clip, (HEIGHT, WIDTH, 3), RGB."""
    size = (DRAWN * (WIDTH + 2 * MARGIN), DRAWN * (HEIGHT + 2 * MARGIN))
    camera = Camera((0.8, 2.8, 0.0), 9.0, 8.5, DRAWN * 1800.0, *size)
    background = street(camera)
    fence, fence_shade = railing(camera, background)
    fence_shade.darken(background, 0.42, 1.5)
    parked = Pose(-2.15, 27.0, leaving=False)
    car.draw_shadow(background, camera, WHITE, parked)
    car.draw_car(background, camera, WHITE, parked, haze=0.05)
    twigs = branch()
    falloff = vignette()
    for index in range(FRAMES):
        time = index / RATE
        picture = background.copy()
        draw_moving(picture, camera, time, fence)
        draw_branch(picture, twigs, time)
        frame = swayed(picture, time)
        frame = (frame * falloff).astype(np.uint8)
        draw_clock(frame, index)
        yield frame


def draw_moving(picture: Picture, camera: Camera, time: float, fence: Patch) -> None:
    """All that moves, the farthest first."""
    cars = ((BLUE, blue_pose(time)), (RED, red_pose(time)))
    for someone in (CROSSING, STROLLING):
        walker.draw_shadow(picture, camera, someone, time)
    for which, pose in cars:
        car.draw_shadow(picture, camera, which, pose)
    walker.draw_walker(picture, camera, CROSSING, time)
    walker.draw_walker(picture, camera, STROLLING, time)
    fence.blend(picture)
    for which, pose in cars:
        car.draw_car(picture, camera, which, pose)


def red_pose(time: float) -> Pose:
    """It comes nearer and stops after three seconds."""
    left = max(0.0, 3.0 - time)
    way = 0.6 * left**2
    return Pose(-1.5, 8.6 + way, leaving=False, turned=way)


def blue_pose(time: float) -> Pose:
    """It waits for a second, creeps forward, and brakes again before the crossing."""
    steps = np.linspace(0, time, 200)
    speed = 0.6 * (steps - 1.0).clip(0) - 2.4 * (steps - 3.1).clip(0)
    way = float(np.trapezoid(speed.clip(0), steps))
    return Pose(1.35, 8.9 + way, leaving=True, turned=-way, braking=time < 0.9 or time > 3.1)


@dataclass(frozen=True)
class Twig:
    """A leaf of the branch in front of the camera.

    Attributes:
        place: of its middle, in frame pixels.
        length: in frame pixels.
        angle: in radians.
        color: RGB.
        phase: of its flutter.
    """

    place: tuple[float, float]
    length: float
    angle: float
    color: tuple[float, float, float]
    phase: float


def branch() -> list[Twig]:
    """Leaves that hang into the upper right corner."""
    rng = np.random.default_rng(7)
    twigs = []
    for index in range(330):
        along, spread = rng.random(), rng.normal()
        x = WIDTH + 20 - 330 * along + 22 * spread
        y = -26 + 70 * (1 - along) ** 1.5 + 26 * rng.normal() * (1.2 - along)
        light = 0.4 + 0.75 * index / 330 + 0.1 * rng.normal()
        r, g, b = (light * c for c in GREENS[rng.integers(len(GREENS))])
        angle = rng.normal(2.2, 0.7)
        twigs.append(Twig((x, y), rng.uniform(20, 38), angle, (r, g, b), rng.uniform(0, 6.28)))
    return twigs


def draw_branch(picture: Picture, twigs: list[Twig], time: float) -> None:
    """The branch, moved by a light wind."""
    gust = 3.0 * math.sin(1.7 * time) + 1.5 * math.sin(3.9 * time + 1)
    outlines = []
    for twig in twigs:
        loose = (WIDTH + 60 - twig.place[0]) / 300
        flutter = math.sin(5.1 * time + twig.phase)
        x = twig.place[0] + gust * loose + 0.8 * flutter
        y = twig.place[1] + 0.6 * gust * loose + 0.6 * math.cos(4.3 * time + twig.phase)
        center = (DRAWN * (x + MARGIN), DRAWN * (y + MARGIN))
        outlines.append(leaf(center, DRAWN * twig.length, twig.angle + 0.16 * flutter))
    patch = Patch(picture.shape, np.concatenate(outlines))
    for twig, outline in zip(twigs, outlines, strict=True):
        patch.fill(outline, twig.color)
    patch.blend(picture)


def swayed(picture: Picture, time: float) -> Picture:
    """What the slightly swaying camera sees of the drawing."""
    x = MARGIN + 2.2 * math.sin(1.1 * time) + 0.7 * math.sin(4.7 * time + 0.5)
    y = MARGIN + 1.4 * math.sin(1.6 * time + 1) + 0.5 * math.sin(5.3 * time)
    view = np.array([[1, 0, DRAWN * x], [0, 1, DRAWN * y]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, view, (DRAWN * WIDTH, DRAWN * HEIGHT), flags=flags)
    return np.asarray(cv2.resize(moved, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def vignette() -> Field:
    """The lens's falloff towards the corners, (HEIGHT, WIDTH, 1)."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j].astype(np.float32)
    return (1 - 0.10 * (x**2 + y**2))[..., None]


def draw_clock(frame: Picture, index: int) -> None:
    """Date and time, burnt in as cameras do, the last pair counting frames."""
    now = CLOCK + timedelta(seconds=index // RATE)
    text = f"{now:%Y-%m-%d %H:%M:%S}:{index % RATE:02d}"
    pitch, tall, left, top = 20, 30, 20, HEIGHT - 52
    cover = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place, letter in enumerate(text):
        x = left + place * pitch
        if letter == ":":
            for y in (top + 7, top + 20):
                cover[y : y + 5, x + 6 : x + 11] = 255
        elif letter == "-":
            cover[top + 13 : top + 18, x + 2 : x + 15] = 255
        elif letter != " ":
            wide = 10 if letter == "1" else 16
            x += (16 - wide) // 2
            cover[top : top + tall, x : x + wide] = lettering(letter, wide, tall)
    edge = cv2.GaussianBlur(cv2.dilate(cover, np.ones((7, 7), np.uint8)), (0, 0), 1.2)
    for mask, color in ((edge, 20), (cover, 240)):
        weight = mask[..., None] / np.float32(255)
        frame[:] = frame * (1 - weight) + color * weight
