"""The vehicles: a curved shell shaded by sun and sky, and details drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import ArrayLike

from .camera import Camera, Points
from .charts import plain
from .patch import Color, Patch, Picture
from .scenery import SUN, on_ground

GLASS = np.array([20.0, 25.0, 29.0])
RUBBER = (26.0, 26.0, 27.0)
FINER = 3  # cells drawn per cell shaded, along a car
HUB = 0.31  # how high the axles are, and so how large the tyres


@dataclass(frozen=True)
class Body:
    """The shape of a kind of car, in metres. Lengths count from its front bumper.

    Attributes:
        outline: (length, height) of its silhouette from under the front to under the rear.
        width: at the doors.
        roof: share of that width that is left at the roof.
        shoulder: height at which it begins to narrow towards the roof.
        wheels: lengths of its axles.
        windscreen: lower and upper height of the glass in front.
        rear_window: the same behind.
        side_windows: their corners, (length, height).
        lights: lower and upper height of the head lights and of the tail lights.
    """

    outline: tuple[tuple[float, float], ...]
    width: float
    roof: float
    shoulder: float
    wheels: tuple[float, float]
    windscreen: tuple[float, float]
    rear_window: tuple[float, float]
    side_windows: tuple[tuple[tuple[float, float], ...], ...]
    lights: tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Car:
    """A car of some make.

    Attributes:
        body: its shape.
        paint: RGB.
        plate: what its number plates say.
    """

    body: Body
    paint: tuple[float, float, float]
    plate: str


@dataclass(frozen=True)
class Pose:
    """Where a car is.

    Attributes:
        x: of its middle.
        z: of the end that is nearer to the camera.
        leaving: whether it shows its rear.
        turned: how far the wheels have rolled, in metres.
        braking: whether its brake lights are on.
    """

    x: float
    z: float
    leaving: bool
    turned: float = 0.0
    braking: bool = False


HATCHBACK = Body(
    outline=(
        (0.16, 0.20), (0.02, 0.30), (0.00, 0.50), (0.06, 0.66), (0.22, 0.78), (0.62, 0.90),
        (1.04, 0.97), (1.50, 1.25), (1.86, 1.43), (2.40, 1.49), (3.10, 1.45), (3.56, 1.33),
        (3.84, 1.02), (3.97, 0.90), (4.02, 0.62), (4.02, 0.42), (3.96, 0.28), (3.84, 0.20),
    ),
    width=1.76, roof=0.72, shoulder=0.92, wheels=(0.78, 3.26),
    windscreen=(0.99, 1.40), rear_window=(1.05, 1.34),
    side_windows=(
        ((1.36, 0.97), (1.92, 1.37), (2.34, 1.41), (2.34, 0.97)),
        ((2.42, 0.97), (2.42, 1.41), (3.05, 1.37), (3.42, 1.22), (3.52, 1.00)),
    ),
    lights=((0.60, 0.74), (0.70, 0.96)),
)  # fmt: skip

VAN = Body(
    outline=(
        (0.14, 0.24), (0.02, 0.34), (0.00, 0.62), (0.06, 0.86), (0.26, 1.02), (0.70, 1.18),
        (1.10, 1.55), (1.42, 1.86), (1.80, 2.02), (2.60, 2.06), (4.20, 2.04), (4.72, 1.98),
        (4.82, 1.70), (4.86, 1.10), (4.88, 0.60), (4.86, 0.36), (4.76, 0.24),
    ),
    width=1.94, roof=0.86, shoulder=1.20, wheels=(0.92, 3.90),
    windscreen=(1.22, 1.84), rear_window=(1.30, 1.78),
    side_windows=(((1.24, 1.22), (1.58, 1.78), (2.16, 1.78), (2.16, 1.22)),),
    lights=((0.80, 1.00), (0.90, 1.40)),
)  # fmt: skip


def smooth(points: Points, rounds: int = 2) -> Points:
    """Cut corners off an open line, again and again."""
    for _ in range(rounds):
        near, far = 0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]
        inner = np.stack([near, far], 1).reshape(-1, 2)
        points = np.concatenate([points[:1], inner, points[-1:]])
    return points


@lru_cache
def silhouette(body: Body) -> Points:
    """The outline as a smooth line, (N, 2)."""
    return smooth(np.array(body.outline))


def half_width(body: Body, length: Points, height: Points) -> Points:
    """From the middle to the side, at some length and height."""
    top = max(y for _, y in body.outline)
    narrow = ((height - body.shoulder) / (top - body.shoulder)).clip(0, 1)
    belly = ((height - 0.62) / 0.6).clip(-1, 1) ** 2 * (height < body.shoulder)
    end = body.outline[-1][0] + 0.15
    ends = (1 - length / 0.7).clip(0, 1) ** 2 + (1 - (end - length) / 0.6).clip(0, 1) ** 2
    share = (1 - (1 - body.roof) * narrow) * (1 - 0.035 * belly) * (1 - 0.09 * ends)
    return body.width / 2 * share


def over(body: Body, at: Points, across: Points) -> Points:
    """Points of the shell: `at` counts along the silhouette, `across` is -1 to 1."""
    line = silhouette(body)
    index = np.arange(len(line))
    length, height = (np.interp(at, index, line[:, axis]) for axis in (0, 1))
    middle, end = 0.5 * body.outline[-1][0], 0.9
    # Seen from above, front and rear are rounded.
    to_front = (1 - length / end).clip(0, 1) * (length < middle)
    to_rear = (1 - (2 * middle - length) / end).clip(0, 1) * (length > middle)
    bow = 0.24 * np.abs(across) ** 2.6 * (to_front - to_rear)
    x = across * half_width(body, length, height)
    return np.stack(np.broadcast_arrays(x, height, length + bow), -1)


def beside(body: Body, length: Points, height: Points, side: float) -> Points:
    """Points of the shell's side; `side` is -1 or 1."""
    x = side * half_width(body, length, height)
    return np.stack(np.broadcast_arrays(x, height, length), -1)


def position(body: Body, height: float, rear: bool) -> float:
    """Where on the silhouette, counted from the front, a height is found."""
    line = silhouette(body)
    index = np.arange(len(line), dtype=float)
    top = int(line[:, 1].argmax())
    part = slice(top, None) if rear else slice(0, top + 1)
    order = np.argsort(line[part, 1], kind="stable")
    return float(np.interp(height, line[part, 1][order], index[part][order]))


def placed(car: Car, pose: Pose, points: Points) -> Points:
    """From the car's own measures into the world."""
    x, height, length = points[..., 0], points[..., 1], points[..., 2]
    if pose.leaving:
        return np.stack([pose.x - x, height, pose.z + car.body.outline[-1][0] - length], -1)
    return np.stack([pose.x + x, height, pose.z + length], -1)


def shaded(base: Color, normals: Points, view: Points, gloss: float) -> Points:
    """Colours (N, 3) of surfaces with unit `normals` seen along unit `view`."""
    facing = (normals @ (-SUN / np.linalg.norm(SUN))).clip(0)
    light = 0.42 + 0.24 * normals[:, 1].clip(-0.5, 1) + 0.62 * facing
    glance = np.abs((normals * view).sum(1))
    mirrored = view - 2 * (normals * view).sum(1, keepdims=True) * normals
    up = mirrored[:, 1]
    # What is mirrored: the road below, houses and trees, the sky above.
    scene = np.interp(up, [-0.4, -0.02, 0.06, 0.3, 0.5, 1], [62, 84, 96, 150, 212, 190])
    scene = scene + 24 * np.sin(8 * mirrored[:, 0] + 5 * up) * np.interp(up, [0.1, 0.4], [0, 1])
    share = gloss * (0.07 + 0.6 * (1 - glance) ** 3)
    tint = np.interp(up, [0, 0.5], [0.0, 1.0])[:, None] * np.array([-6.0, 0.0, 9.0])
    matt = np.asarray(base, float) * light[:, None]
    return matt * (1 - share[:, None]) + (scene[:, None] + tint) * share[:, None]


def finer(points: Points) -> Points:
    """A (R, C, 3) grid with FINER times as many columns of cells."""
    at = np.linspace(0, points.shape[1] - 1, FINER * (points.shape[1] - 1) + 1)
    low = np.floor(at).astype(int).clip(0, points.shape[1] - 2)
    part = (at - low)[:, None]
    return points[:, low] * (1 - part) + points[:, low + 1] * part


def grid_quads(points: Points) -> Points:
    """A (R, C, 3) grid of points -> its (N, 4, 3) cells."""
    cells = [points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]]
    return np.stack(cells, 2).reshape(-1, 4, 3)


@dataclass(frozen=True)
class Drawing:
    """One car being drawn: shorthands for placing details on it."""

    patch: Patch
    camera: Camera
    car: Car
    pose: Pose

    def world(self, points: Points) -> Points:
        """Points of the car in the picture's pixels."""
        return self.camera.project(placed(self.car, self.pose, points))

    def ends(self, rear: bool, x: ArrayLike, y: ArrayLike) -> Points:
        """Points on the front or rear; x in half widths, y in metres above ground."""
        at = [position(self.car.body, height, rear) for height in np.asarray(y, float)]
        return over(self.car.body, np.array(at), np.asarray(x, float))

    def shape(self, points: Points, color: Color, steps: Sequence[float] = (1.0,)) -> None:
        """A convex shape, if it faces the camera; `steps` draw it again, smaller and lighter."""
        if not self.is_seen(points):
            return
        seen = self.world(points)
        middle = seen.mean(0)
        for index, size in enumerate(steps):
            light = 1 + 0.28 * index
            self.patch.fill(middle + (seen - middle) * size, np.asarray(color, float) * light)

    def is_seen(self, points: Points) -> bool:
        """Whether something flat on the shell shows its outer face."""
        quad = points[np.linspace(0, len(points) - 1, 4).round().astype(int)][None]
        facing = surface(self, quad)[1:]
        return bool((facing[0] * facing[1]).sum() < 0)

    def shell(self, points: Points, base: Color, gloss: float) -> None:
        """A grid of points as a shaded surface, its farthest cells drawn first."""
        rows, columns = points.shape[0] - 1, points.shape[1] - 1
        _, normals, view = surface(self, grid_quads(points))
        colors = shaded(base, normals, view, gloss).astype(np.float32).reshape(rows, columns, 3)
        # Finer cells with blended colours look as round as the surface is meant to be.
        blended = cv2.GaussianBlur(colors, (9, 9), 1.6, borderType=cv2.BORDER_REPLICATE)
        flat = cv2.resize(blended, (FINER * columns, rows)).reshape(-1, 3).astype(float)
        quads = grid_quads(finer(points))
        seen = self.world(quads)
        middle, normals, view = surface(self, quads)
        front = (normals * view).sum(1) < 0
        for index in np.argsort(-self.camera.depth(middle)):
            if front[index]:
                self.patch.fill(seen[index], flat[index])


def surface(drawing: Drawing, quads: Points) -> tuple[Points, Points, Points]:
    """Middle, outward unit normal and unit direction of view of cells (N, 4, 3)."""
    length = drawing.car.body.outline[-1][0]
    core = quads.mean(1) * (0, 0, 1) + (0, 0.6, 0)
    core[:, 2] = core[:, 2].clip(0.9, length - 0.9)
    inside = placed(drawing.car, drawing.pose, core)
    quads = placed(drawing.car, drawing.pose, quads)
    middle = quads.mean(1)
    normals = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    normals *= np.sign((normals * (middle - inside)).sum(1, keepdims=True))
    view = middle - np.array(drawing.camera.position)
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    return middle, normals, view


def box(car: Car) -> Points:
    """The eight corners of a box around a car."""
    side, top = car.body.width / 2 + 0.2, max(y for _, y in car.body.outline)
    corners = [(x, y, z) for x in (-side, side) for y in (0, top) for z in (-0.1, 5)]
    return np.array(corners, float)


def draw_shadow(picture: Picture, camera: Camera, car: Car, pose: Pose) -> None:
    """The shadow that a car casts, and the darkness under it."""
    line = silhouette(car.body)
    grid = np.stack([over(car.body, np.full(2, i), np.array([-1, 1])) for i in range(len(line))])
    cast = camera.project(on_ground(placed(car, pose, grid)))
    under = grid.copy()
    under[..., 1] = 0
    below = camera.project(placed(car, pose, under))
    near = camera.focal / float(camera.depth(np.array([pose.x, 0, pose.z])))
    for seen, strength, blur in ((cast, 0.5, 0.025 * near), (below, 0.6, 0.06 * near)):
        patch = Patch(picture.shape, seen, margin=4 * blur + 2)
        for one, other in pairwise(seen):
            patch.fill(np.stack([one[0], one[1], other[1], other[0]]), (0, 0, 0))
        patch.darken(picture, strength, blur)


def draw_car(picture: Picture, camera: Camera, car: Car, pose: Pose, haze: float = 0.0) -> None:
    """Draw a car onto the picture."""
    seen = camera.project(placed(car, pose, box(car)))
    drawing = Drawing(Patch(picture.shape, seen), camera, car, pose)
    if drawing.patch.empty:
        return
    body, line = car.body, silhouette(car.body)
    for axle in body.wheels:
        for side in (-1.0, 1.0):
            draw_tyre(drawing, axle, side)
    if pose.leaving:  # the mirrors are behind all else
        draw_mirrors(drawing)
    for side in (-1.0, 1.0):
        edge = over(body, np.arange(len(line), dtype=float), np.full(len(line), side))
        height = 0.2 + np.linspace(0, 1, 10)[:, None] * (line[:, 1] - 0.2)
        across = side * half_width(body, line[:, 0], height)
        points = np.stack(np.broadcast_arrays(across, height, edge[:, 2]), -1)
        drawing.shell(points, car.paint, 0.9)
    at, across = np.meshgrid(np.arange(len(line), dtype=float), np.linspace(-1, 1, 25))
    drawing.shell(over(body, at, across), car.paint, 1.0)
    draw_glass(drawing, rear=pose.leaving)
    for side in (-1.0, 1.0):
        draw_side(drawing, side)
    if pose.leaving:
        draw_rear(drawing)
    else:
        draw_front(drawing)
        draw_mirrors(drawing)
    draw_plate(drawing)
    drawing.patch.blend(picture, haze)


def ring(axle: float, side_x: float, radius: float, count: int = 28) -> Points:
    """A circle around an axle, parallel to the car's side."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    x = np.full(count, side_x)
    return np.stack([x, HUB + radius * np.sin(angle), axle + radius * np.cos(angle)], -1)


def draw_tyre(drawing: Drawing, axle: float, side: float) -> None:
    """A tyre's tread, as seen from the front or rear."""
    outer = side * (drawing.car.body.width / 2 - 0.04)
    rings = ring(axle, outer, HUB), ring(axle, outer - side * 0.2, HUB)
    drawing.shell(np.stack([np.concatenate([r, r[:1]]) for r in rings]), RUBBER, 0.1)


def draw_side(drawing: Drawing, side: float) -> None:
    """Windows, doors, sill and wheels of one side."""
    body = drawing.car.body
    dark = 0.4 * np.array(drawing.car.paint)
    for corners in body.side_windows:
        length, height = np.array(corners).T
        points = beside(body, length, height, side * 1.003)
        drawing.shape(points, (30, 34, 38))
        drawing.shape(points.mean(0) + (points - points.mean(0)) * (1, 0.86, 0.93), (46, 54, 60))
    first, last = body.wheels
    for length in (first + 0.52, 0.5 * (first + last) + 0.3):
        heights = np.array([0.3, 0.3, body.shoulder, body.shoulder])
        lengths = length + np.array([0, 0.018, 0.018, 0])
        drawing.shape(beside(body, lengths, heights, side), dark)
    lengths, heights = np.array([0.3, 3.7, 3.7, 0.3]), np.array([0.2, 0.2, 0.29, 0.29])
    drawing.shape(beside(body, lengths * last / 3.26, heights, side), (34, 34, 36))
    handle = np.array([0.22, 0.36, 0.36, 0.22]) + 0.5 * (first + last)
    heights = np.array([0.84, 0.84, 0.87, 0.87])
    drawing.shape(beside(body, handle - 0.05, heights, side), 0.62 * np.array(drawing.car.paint))
    for axle in body.wheels:
        draw_wheel(drawing, axle, side)


def draw_wheel(drawing: Drawing, axle: float, side: float) -> None:
    """A wheel in its arch, its spokes turned."""
    x = side * (drawing.car.body.width / 2 - 0.01)
    arch = ring(axle, x - side * 0.015, 0.365)
    arch[:, 1] = arch[:, 1].clip(0.2)
    drawing.shape(arch, (18, 18, 19))
    drawing.shape(ring(axle, x, HUB), (36, 36, 37))
    drawing.shape(ring(axle, x, 0.215), (92, 94, 97))
    drawing.shape(ring(axle, x, 0.195), (60, 61, 63))
    turn = drawing.pose.turned / HUB
    for spoke in np.arange(5) * 2 * np.pi / 5 + turn:
        angle = spoke + np.array([-0.16, 0.16, 0.5, -0.5])
        radius = np.array([0.2, 0.2, 0.06, 0.06])
        y, z = HUB + radius * np.sin(angle), axle + radius * np.cos(angle)
        drawing.shape(np.stack([np.full(4, x), y, z], -1), (176, 178, 182))
    drawing.shape(ring(axle, x, 0.06, count=12), (150, 152, 156))


def draw_glass(drawing: Drawing, rear: bool) -> None:
    """The windscreen, or the rear window, with what is behind it."""
    body = drawing.car.body
    low, high = body.rear_window if rear else body.windscreen
    ends = (position(body, low, rear), position(body, high, rear))
    corners = np.array([ends[0], ends[0], ends[1], ends[1]])
    frame = over(body, corners, np.array([-0.9, 0.9, 0.88, -0.88]))
    drawing.shape(frame, (16, 17, 18))
    at, across = np.meshgrid(np.linspace(*ends, 12), np.linspace(-0.86, 0.86, 17))
    drawing.shell(over(body, at, across), GLASS, 1.5)
    for middle in (-0.42, 0.42):  # head rests
        x = middle + np.array([-0.13, 0.13, 0.11, -0.11])
        y = low + (high - low) * np.array([0.34, 0.34, 0.66, 0.66])
        drawing.shape(drawing.ends(rear, x, y), (33, 36, 39))
    if not rear:
        for start in (-0.75, -0.05):  # wipers
            x = start + np.array([0, 0.66, 0.66, 0])
            y = low + np.array([0.015, 0.05, 0.062, 0.027])
            drawing.shape(drawing.ends(rear, x, y), (14, 14, 15))


def draw_front(drawing: Drawing) -> None:
    """Head lights, grille, bumper and badge."""
    low, high = drawing.car.body.lights[0]
    span = high - low
    for side in (-1, 1):
        x = [side * v for v in (0.56, 0.93, 0.96, 0.70)]
        lamp = drawing.ends(False, x, [low, low + 0.35 * span, high, high - 0.1 * span])
        drawing.shape(lamp, (70, 74, 78))
        drawing.shape(lamp, (138, 144, 150), (0.84, 0.6, 0.36))
        x = [side * v for v in (0.70, 0.86, 0.86, 0.70)]
        fog = drawing.ends(False, x, [0.30, 0.32, 0.39, 0.39])
        drawing.shape(fog, (44, 45, 47))
        drawing.shape(fog, (170, 172, 172), (0.5,))
    bottom, top = low - 0.06, high - 0.05
    grille = drawing.ends(False, [-0.5, 0.5, 0.56, -0.56], [bottom, bottom, top, top])
    drawing.shape(grille, (26, 27, 29))
    for y in np.linspace(low - 0.035, high - 0.075, 4):
        bar = drawing.ends(False, [-0.5, 0.5, 0.5, -0.5], [y, y, y + 0.012, y + 0.012])
        drawing.shape(bar, (128, 131, 135))
    intake = drawing.ends(False, [-0.6, 0.6, 0.56, -0.56], [0.26, 0.26, 0.36, 0.36])
    drawing.shape(intake, (24, 25, 26))
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    middle = 0.5 * (low + high) - 0.03
    badge = drawing.ends(False, 0.07 * np.cos(angle), middle + 0.05 * np.sin(angle))
    drawing.shape(badge, (190, 193, 198), (1.0, 0.6))


def draw_rear(drawing: Drawing) -> None:
    """Tail lights, bumper and the tailgate's joints."""
    low, high = drawing.car.body.lights[1]
    glow = np.array([236.0, 44.0, 34.0]) if drawing.pose.braking else np.array([120.0, 20.0, 20.0])
    for side in (-1, 1):
        x = [side * v for v in (0.66, 0.95, 0.94, 0.72)]
        lamp = drawing.ends(True, x, [low, low, high, high])
        drawing.shape(lamp, 0.55 * glow)
        drawing.shape(lamp, glow, (0.82, 0.55))
        x = [side * v for v in (0.72, 0.92, 0.92, 0.72)]
        middle = 0.5 * (low + high)
        white = drawing.ends(True, x, [middle - 0.02, middle - 0.02, middle + 0.03, middle + 0.03])
        drawing.shape(white, (206, 200, 194))
    paint = np.array(drawing.car.paint)
    joint = drawing.ends(True, [-0.8, 0.8, 0.8, -0.8], [0.47, 0.47, 0.485, 0.485])
    drawing.shape(joint, 0.35 * paint)
    bumper = drawing.ends(True, [-0.82, 0.82, 0.78, -0.78], [0.24, 0.24, 0.33, 0.33])
    drawing.shape(bumper, (36, 37, 39))
    if drawing.pose.braking:
        top = drawing.car.body.rear_window[1] + 0.02
        lamp = drawing.ends(True, [-0.2, 0.2, 0.2, -0.2], [top, top, top + 0.03, top + 0.03])
        drawing.shape(lamp, (232, 60, 48))


@lru_cache
def plate_picture(text: str, rear: bool) -> Picture:
    """A number plate: black on white in front, on yellow behind."""
    chart = plain(0.56, 0.14, 1000, (232, 190, 62) if rear else (232, 232, 226))
    for x0, y0, x1, y1 in ((0, 0, 0.56, 0.006), (0, 0.134, 0.56, 0.14)):
        chart.box(x0, y0, x1, y1, (30, 30, 32))
    chart.box(0, 0, 0.006, 0.14, (30, 30, 32))
    chart.box(0.554, 0, 0.56, 0.14, (30, 30, 32))
    chart.text(text, 0.03, 0.024, 0.53, 0.116, (20, 20, 24))
    return chart.pixels


def draw_plate(drawing: Drawing) -> None:
    """The number plate on the end that the camera sees."""
    rear = drawing.pose.leaving
    middle = 0.58 if rear else 0.45
    reach = 0.29 / (drawing.car.body.width / 2)
    x = np.array([-reach, reach, reach, -reach]) * (-1 if rear else 1)
    y = middle + np.array([0.072, 0.072, -0.072, -0.072])
    corners = drawing.ends(rear, x, y)
    corners[..., 2] = corners[..., 2].mean()  # plates are flat
    picture = plate_picture(drawing.car.plate, rear)
    drawing.patch.paste(picture, drawing.world(corners))


def draw_mirrors(drawing: Drawing) -> None:
    """The two wing mirrors."""
    body = drawing.car.body
    low, length = body.shoulder + 0.02, body.side_windows[0][0][0] + 0.1
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    bulge = np.stack([0.10 * np.cos(angle), 0.07 * np.sin(angle), 0 * angle], -1)
    paint = np.array(drawing.car.paint)
    for side in (-1, 1):
        middle = np.array([side * (body.width / 2 + 0.05), low + 0.07, length])
        for step in np.linspace(0, 1, 5):
            points = middle + (0.01 * step, 0.015 * step, 0) + bulge * (1 - 0.6 * step)
            drawing.patch.fill(drawing.world(points), paint * (0.45 + 0.5 * step))
