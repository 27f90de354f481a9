"""What stands still: the road, the houses, the trees, the sky."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from .camera import Camera, Points
from .charts import Chart, leaves, noise, plain, rough, speckle, tiles
from .patch import Patch, Picture

SUN = np.array([-0.60, -1.0, 0.30])  # the way its light travels
KERB = 3.1  # where the road ends, to the left and to the right
WALL = -5.8  # where the houses on the left stand
CROSSING = (18.6, 21.4)  # the zebra's near and far edge
STRIP = 256  # rows drawn at once, to keep memory low

GREENS = ((74, 98, 40), (92, 118, 48), (110, 128, 60), (60, 88, 44))
BRICKS = ((150, 84, 64), (162, 96, 72), (138, 74, 58), (170, 108, 84), (126, 70, 60))
MORTAR = (176, 166, 152)


def street(camera: Camera) -> Picture:
    """The whole scene without anyone in it: (camera.height, camera.width, 3)."""
    rng = np.random.default_rng(2016)
    picture = sky(rng, camera)
    lay(picture, camera, far_house(rng), facing(-9.0, 62.0, 26.0, 4.4), haze=0.16)
    for x, z, wide, tall in ((7.5, 56, 7, 5.6), (4.6, 47, 5, 4.6), (9.5, 40, 7, 6.4)):
        tree(rng, picture, camera, (x, z), (wide, tall), haze=z / 400)
    for near, far, per_metre in ((24, 62, 40), (7, 24, 150)):
        lay(picture, camera, ground(rng, near, far, per_metre), floor(-5.8, near, 7.2, far))
    hedge(rng, picture, camera)
    lay(picture, camera, houses(rng), along(WALL, 10, 61, 5.6))
    awning(picture, camera)
    hanging_sign(picture, camera)
    lamp(picture, camera)
    speed_sign(picture, camera)
    dapple(rng, picture, camera)
    return picture


def lay(
    picture: Picture,
    camera: Camera,
    chart: Chart,
    corners: Points,
    alpha: Picture | None = None,
    haze: float = 0.0,
) -> None:
    """Put a flat chart into the world."""
    seen = camera.project(corners)
    for top in range(0, picture.shape[0], STRIP):
        strip = picture[top : top + STRIP]
        patch = Patch(strip.shape, seen - (0, top))
        if not patch.empty:
            patch.paste(chart.pixels, seen - (0, top), alpha)
            patch.blend(strip, haze)


def floor(x0: float, z0: float, x1: float, z1: float) -> Points:
    """Corners of a rectangle on the ground, its far side on top."""
    return np.array([[x0, 0, z1], [x1, 0, z1], [x1, 0, z0], [x0, 0, z0]], float)


def along(x: float, z0: float, z1: float, height: float, base: float = 0) -> Points:
    """Corners of a wall beside the road."""
    top = base + height
    return np.array([[x, top, z0], [x, top, z1], [x, base, z1], [x, base, z0]], float)


def facing(x: float, z: float, width: float, height: float, base: float = 0) -> Points:
    """Corners of a wall that faces the camera."""
    top = base + height
    return np.array([[x, top, z], [x + width, top, z], [x + width, base, z], [x, base, z]], float)


def on_ground(points: Points) -> Points:
    """Where the shadows of points fall."""
    return points - points[..., 1:2] / SUN[1] * SUN


def sky(rng: Generator, camera: Camera) -> Picture:
    """A bright hazy sky, and distant woods under it."""
    height, width = camera.height, camera.width
    ramp = np.linspace(0, 6, height).clip(0, 1)[:, None, None]
    air = np.array([170, 194, 222]) * (1 - ramp) + np.array([228, 230, 234]) * ramp
    cloud = rough(rng, height, width, (700, 300, 120)).clip(0, 2) * 9
    picture = (air + cloud[..., None]).clip(0, 255).astype(np.uint8)
    horizon = camera.project(np.array([0, 0, 4000.0]))[1]
    ridge = horizon - 46 + 16 * noise(rng, 1, width, 160)[0] + 5 * noise(rng, 1, width, 14)[0]
    woods = np.arange(height)[:, None] > ridge[None]
    tint = np.array([142, 158, 150], np.float32) + 7 * noise(rng, height, width, 9)[..., None]
    picture[woods] = tint[woods].astype(np.uint8)
    grass = picture[round(horizon) :]
    grass[:] = (116, 130, 84)
    speckle(rng, grass, (4, 20), 0.08)
    return picture


def ground(rng: Generator, near: float, far: float, per_metre: float) -> Chart:
    """Pavements and road from z = near to far; places on it are (x + 5.8, z - near)."""
    chart = plain(13.0, far - near, per_metre, (104, 103, 101))
    asphalt(rng, chart)
    road_marks(rng, chart, near, far)
    slabs = ((172, 165, 154), (162, 156, 146), (180, 174, 163), (154, 149, 141))
    joint = (0.016 * per_metre, (112, 106, 98))
    size = (0.62 * per_metre, 0.62 * per_metre)
    for x0, x1 in ((0, 2.46), (9.14, 11.0)):
        tiles(rng, chart.part(x0, 0, x1, far - near), size, joint, slabs)
    stones = ((190, 187, 180), (182, 178, 170))
    for x0 in (2.46, 8.9):
        part = chart.part(x0, 0, x0 + 0.24, far - near)
        tiles(rng, part, (0.24 * per_metre, 0.92 * per_metre), joint, stones, bond=0)
    # The left kerb's face is in the light, the gutters are dark with dirt.
    chart.light(2.66, 0, 2.72, far - near, 0.66, 0.66)
    for x0 in (2.72, 8.78):
        chart.light(x0, 0, x0 + 0.12, far - near, 0.8, 0.8)
    gravel = chart.part(11.0, 0, 13.0, far - near)
    gravel[:] = (150, 140, 124)
    speckle(rng, gravel, (1.5, 3, 5), 0.22)
    # Less light reaches the foot of the houses.
    chart.part(0, 0, 0.5, far - near)[:] = (
        chart.part(0, 0, 0.5, far - near)
        * np.linspace(0.62, 1, round(0.5 * per_metre), dtype=np.float32)[None, :, None]
    )
    return chart


def asphalt(rng: Generator, chart: Chart) -> None:
    """Grain, stains, tyre tracks, a patch and its tar joints."""
    height, width = chart.pixels.shape[:2]
    grain = 0.085 * rough(rng, height, width, (1, 2, 3))
    stains = 0.05 * rough(rng, height, width, (40, 150, 500))
    x = np.arange(width, dtype=np.float32) / np.float32(chart.per_metre) - 5.8
    tracks = sum(np.exp(-(((x - middle) / 0.28) ** 2)) for middle in (-2.2, -0.8, 0.7, 2.0))
    shade = 1 + grain + stains - 0.07 * tracks[None, :].astype(np.float32)
    chart.pixels[:] = (chart.pixels * shade[..., None]).clip(0, 255)
    for _ in range(round(chart.pixels.shape[0] / chart.per_metre / 2)):
        crack(rng, chart)


def crack(rng: Generator, chart: Chart) -> None:
    """A crack sealed with tar, wandering over the road."""
    steps = rng.normal(0, 0.1, (24, 2)) + rng.normal(0, 0.12, 2)
    start = (rng.uniform(2.9, 8.6), rng.uniform(0, chart.pixels.shape[0] / chart.per_metre))
    places = [chart.place(x, y) for x, y in np.cumsum(steps, 0) + start]
    stroke = max(1, round(0.03 * chart.per_metre))
    line = np.array(places, np.int32)
    cv2.polylines(chart.pixels, [line], False, (74, 73, 73), stroke, cv2.LINE_AA)


def road_marks(rng: Generator, chart: Chart, near: float, far: float) -> None:
    """The zebra, lines and letters, worn by traffic."""
    clean = chart.pixels.copy()
    white, yellow = (226, 225, 220), (206, 172, 72)

    def mark(x0: float, z0: float, x1: float, z1: float, color: tuple[int, int, int]) -> None:
        chart.box(x0 + 5.8, max(0, z0 - near), x1 + 5.8, max(0, z1 - near), color)

    for edge in (-2.92, -2.74, 2.7, 2.88):
        mark(edge - 0.035, near, edge + 0.035, far, yellow)
    mark(-KERB, CROSSING[0] - 0.4, KERB, CROSSING[1] + 0.4, (98, 97, 96))
    for x in np.arange(-KERB + 0.1, KERB - 0.3, 0.98):
        mark(x, CROSSING[0], x + 0.5, CROSSING[1], white)
    mark(0.15, CROSSING[0] - 1.2, 2.6, CROSSING[0] - 0.95, white)
    mark(-2.6, CROSSING[1] + 0.95, -0.15, CROSSING[1] + 1.2, white)
    for z in np.arange(7.4, far, 3.0):
        if not CROSSING[0] - 2 < z < CROSSING[1] + 1:
            mark(-0.06, z, 0.06, z + 1.6, white)
    if near < 12 < far:
        chart.text("SLOW", 6.2, 12.6 - near, 8.3, 15.0 - near, white)
        manhole(chart, 4.5, 14.6 - near)
    wear = rough(rng, chart.pixels.shape[0], chart.pixels.shape[1], (3, 8, 60))
    kept = (0.86 + 0.16 * wear).clip(0.2, 0.97)[..., None]
    chart.pixels[:] = chart.pixels * kept + clean * (1 - kept)


def manhole(chart: Chart, x: float, z: float) -> None:
    """An iron cover with a square pattern."""
    place, radius = chart.place(x, z), round(0.33 * chart.per_metre)
    cv2.circle(chart.pixels, place, radius + 3, (60, 58, 56), -1, cv2.LINE_AA)
    cv2.circle(chart.pixels, place, radius, (88, 82, 76), -1, cv2.LINE_AA)
    step = round(0.1 * chart.per_metre)
    for row in range(-2, 3):
        for column in range(-2, 3):
            corner = (place[0] + column * step - step // 3, place[1] + row * step - step // 3)
            opposite = (corner[0] + step // 2, corner[1] + step // 2)
            cv2.rectangle(chart.pixels, corner, opposite, (62, 58, 54), -1)


def houses(rng: Generator) -> Chart:
    """The left side of the street. Places on it: (z - 10, y)."""
    chart = plain(51, 5.6, 110, MORTAR)
    brick, joint = (0.32 * 110, 0.105 * 110), (0.014 * 110, MORTAR)
    tiles(rng, chart.pixels, brick, joint, BRICKS)
    chart.light(0, 0, 51, 5.6, 0.97, 1.03)
    shop(rng, chart, 2.2, "BAKERY", (38, 66, 58))
    window(rng, chart, 10.2, 1.0, 1.5, 1.8)
    poster(chart, 12.4, 0.9)
    shutter(chart, 14.6, 4.6, "OPTICS", (120, 44, 40))
    for x in (20.6, 23.4, 27.6, 31.0, 34.0, 37.4, 41.0, 44.4, 48.0):
        window(rng, chart, x, 0.9, 1.5, 2.0)
    door(chart, 25.6, (52, 74, 104))
    for x in (8.9, 19.8):  # drain pipes
        chart.box(x, 0, x + 0.13, 5.6, (92, 92, 94))
        chart.box(x + 0.13, 0, x + 0.2, 5.6, (84, 54, 46))
        chart.box(x, 0, x + 0.03, 5.6, (140, 140, 140))
    chart.box(0, 3.75, 51, 3.95, (196, 188, 172))  # a ledge and its shadow
    chart.light(0, 3.35, 51, 3.75, 1.0, 0.72)
    chart.light(0, 0, 51, 0.5, 0.66, 1.0)
    return chart


def shop(rng: Generator, chart: Chart, x: float, name: str, color: tuple[int, int, int]) -> None:
    """A shop front, 6 m wide, with a door on its right."""
    chart.box(x, 0, x + 6.2, 3.3, color)
    speckle(rng, chart.part(x, 0, x + 6.2, 3.3), (3, 40), 0.03)
    glass = chart.part(x + 0.3, 0.65, x + 4.5, 2.45)
    glass[:] = (58, 52, 44)
    for shelf in (0.8, 1.3, 1.8):
        chart.box(x + 0.35, shelf, x + 4.45, shelf + 0.05, (150, 112, 70))
        for place in np.arange(x + 0.5, x + 4.4, 0.31):
            loaf = chart.place(place + 0.06 * rng.random(), shelf + 0.14)
            axes = (round(0.12 * 110), round((0.07 + 0.05 * rng.random()) * 110))
            tint = np.array([206, 150, 88]) * rng.uniform(0.7, 1.1)
            cv2.ellipse(chart.pixels, loaf, axes, 0, 0, 360, tuple(tint), -1, cv2.LINE_AA)
    # The sky and the houses opposite, mirrored in the pane.
    mirror = noise(rng, glass.shape[0], glass.shape[1], 130)[..., None].clip(-1, 1.5)
    glass[:] = (glass * 0.75 + 26 + 15 * mirror).clip(0, 255)
    for bar in (0.3, 1.68, 3.08, 4.44):
        chart.box(x + bar, 0.65, x + bar + 0.07, 2.45, (224, 220, 206))
    chart.box(x + 0.3, 2.2, x + 4.5, 2.25, (224, 220, 206))
    chart.box(x + 4.8, 0.05, x + 5.9, 2.4, (70, 62, 52))
    chart.box(x + 4.9, 0.35, x + 5.8, 2.3, (62, 66, 66))
    chart.light(x + 4.9, 0.35, x + 5.8, 2.3, 0.8, 1.9)
    chart.text("OPEN", x + 5.05, 1.55, x + 5.65, 1.8, (236, 226, 190))
    chart.box(x, 2.55, x + 6.2, 3.3, 0.8 * np.array(color))
    chart.box(x + 0.05, 2.6, x + 6.15, 3.25, color)
    chart.text(name, x + 0.55, 2.7, x + 5.65, 3.15, (240, 222, 160))


def shutter(chart: Chart, x: float, width: float, name: str, color: tuple[int, int, int]) -> None:
    """A closed roller shutter under a sign."""
    chart.box(x - 0.15, 0, x + width + 0.15, 3.3, (96, 92, 88))
    for y in np.arange(0.1, 2.5, 0.1):
        chart.box(x, y, x + width, y + 0.1, (176, 178, 180))
        chart.light(x, y, x + width, y + 0.1, 0.62, 1.1)
    chart.box(x - 0.15, 2.6, x + width + 0.15, 3.25, color)
    chart.text(name, x + 0.5, 2.74, x + width - 0.5, 3.12, (240, 236, 226))


def window(rng: Generator, chart: Chart, x: float, y: float, width: float, height: float) -> None:
    """A sash window with a stone lintel and sill."""
    chart.box(x - 0.15, y + height, x + width + 0.15, y + height + 0.22, (198, 186, 166))
    chart.box(x - 0.1, y - 0.12, x + width + 0.1, y, (206, 198, 182))
    chart.light(x - 0.1, y - 0.3, x + width + 0.1, y - 0.12, 1.0, 0.6)
    chart.box(x, y, x + width, y + height, (236, 234, 228))
    middle = y + height / 2
    for low, high in ((y + 0.07, middle - 0.03), (middle + 0.03, y + height - 0.07)):
        chart.box(x + 0.08, low, x + width - 0.08, high, (66, 76, 86))
        pane = chart.part(x + 0.08, low, x + width - 0.08, high)
        mirror = 14 * noise(rng, pane.shape[0], pane.shape[1], 60)[..., None]
        pane[:] = (pane + mirror).clip(20, 255)
        chart.light(x + 0.08, low, x + width - 0.08, high, 0.8, 1.5)
    chart.box(x + width / 2 - 0.025, y, x + width / 2 + 0.025, y + height, (236, 234, 228))
    chart.light(x, y + height - 0.12, x + width, y + height, 0.9, 0.5)


def door(chart: Chart, x: float, color: tuple[int, int, int]) -> None:
    """A front door with panels."""
    chart.box(x - 0.12, 0, x + 1.12, 2.5, (226, 222, 212))
    chart.box(x, 0, x + 1, 2.1, color)
    chart.box(x, 2.15, x + 1, 2.42, (74, 82, 90))
    for px, py in ((0.12, 0.2), (0.56, 0.2), (0.12, 1.1), (0.56, 1.1)):
        chart.light(x + px, py, x + px + 0.32, py + 0.75, 0.7, 1.25)


def poster(chart: Chart, x: float, y: float) -> None:
    """A bill with large and small print."""
    chart.box(x, y, x + 1.3, y + 1.8, (238, 234, 222))
    chart.box(x + 0.08, y + 1.1, x + 1.22, y + 1.72, (196, 64, 48))
    chart.text("x4", x + 0.3, y + 1.2, x + 1.0, y + 1.62, (250, 246, 236))
    chart.text("TODAY", x + 0.15, y + 0.75, x + 1.15, y + 1.0, (40, 40, 44))
    for line in range(5):
        low = y + 0.12 + 0.11 * line
        chart.box(x + 0.15, low, x + 1.15 - 0.13 * (line % 3), low + 0.04, (96, 96, 100))


def far_house(rng: Generator) -> Chart:
    """The house across the end of the street."""
    chart = plain(26, 4.4, 60, MORTAR)
    pale = ((196, 170, 140), (188, 160, 130), (204, 180, 152))
    tiles(rng, chart.pixels, (0.5 * 60, 0.2 * 60), (1.4, (214, 206, 190)), pale)
    for x in np.arange(1.2, 25, 2.4):
        window(rng, chart, x, 1.0, 1.2, 1.5)
    chart.box(0, 3.2, 26, 3.85, (84, 66, 60))
    chart.text("STATION HOTEL", 5.6, 3.3, 11.6, 3.75, (236, 228, 206))
    chart.box(0, 3.95, 26, 4.4, (108, 92, 88))
    return chart


def awning(picture: Picture, camera: Camera) -> None:
    """A striped awning over the bakery's window, and its shade on the wall."""
    shade = Patch(picture.shape, camera.project(along(WALL, 12.3, 16.9, 0.75, 1.75)))
    shade.fill(camera.project(along(WALL, 12.3, 16.9, 0.75, 1.75)), (0, 0, 0))
    shade.darken(picture, 0.42, 5)
    chart = plain(4.6, 1.0, 160, (230, 224, 208))
    for x in np.arange(0, 4.6, 0.46):
        chart.box(x, 0, x + 0.23, 1, (168, 52, 44))
    chart.light(0, 0, 4.6, 1, 1.08, 0.92)
    chart.light(0, 0, 4.6, 0.14, 0.82, 0.82)
    x, front = WALL, WALL + 0.95
    roof = [[x, 2.52, 12.3], [x, 2.52, 16.9], [front, 2.12, 16.9], [front, 2.12, 12.3]]
    lay(picture, camera, chart, np.array(roof))
    edge = plain(4.6, 0.16, 160, (196, 190, 176))
    for at in np.arange(0, 4.6, 0.46):
        edge.box(at, 0, at + 0.23, 0.16, (140, 42, 36))
    lay(picture, camera, edge, along(front, 12.3, 16.9, 0.16, 1.96))


def hanging_sign(picture: Picture, camera: Camera) -> None:
    """A board on a bracket, square to the street."""
    chart = plain(1.1, 0.8, 260, (230, 216, 176))
    chart.box(0.03, 0.03, 1.07, 0.77, (44, 52, 84))
    chart.text("CAFE", 0.12, 0.36, 0.98, 0.66, (244, 232, 196))
    chart.text("BREAD & TEA", 0.12, 0.14, 0.98, 0.25, (244, 232, 196))
    chart.light(0, 0, 1.1, 0.8, 0.9, 1.05)
    bracket = plain(1.25, 0.05, 100, (50, 50, 52))
    lay(picture, camera, bracket, facing(WALL, 18.8, 1.25, 0.05, 3.0))
    lay(picture, camera, chart, facing(WALL + 0.12, 18.8, 1.1, 0.8, 2.14))


def hedge(rng: Generator, picture: Picture, camera: Camera) -> None:
    """A clipped hedge along the right pavement."""
    per_metre, width, height = 70, 30.0, 1.35
    # It is seen from its end: leaves four times as long in its direction look round.
    crown = np.full((round(height * per_metre), round(width * per_metre / 4)), 255, np.uint8)
    crown[: round(0.1 * per_metre)] = 0
    pixels, alpha = leaves(rng, crown, 9000, 0.13 * per_metre, GREENS)
    alpha[round(0.25 * per_metre) :] = 255
    chart = Chart(pixels, per_metre)
    chart.light(0, 0, width / 4, 0.7, 0.5, 1.0)
    shade = on_ground(along(5.3, 18, 48, height))
    patch = Patch(picture.shape, camera.project(shade))
    patch.fill(camera.project(shade), (0, 0, 0))
    patch.darken(picture, 0.4, 4)
    lay(picture, camera, chart, along(5.3, 18, 48, height), alpha)


def tree(
    rng: Generator,
    picture: Picture,
    camera: Camera,
    place: tuple[float, float],
    size: tuple[float, float],
    haze: float,
) -> None:
    """A round tree that stands at (x, z)."""
    per_metre = 50
    width, height = round(size[0] * per_metre), round(size[1] * per_metre)
    crown = np.zeros((height, width), np.uint8)
    for _ in range(26):
        angle, reach = rng.uniform(0, 2 * np.pi), rng.random() ** 0.5
        x = width * (0.5 + 0.34 * reach * np.cos(angle))
        y = height * (0.42 + 0.28 * reach * np.sin(angle))
        cv2.circle(crown, (round(x), round(y)), round(0.15 * width), (255,), -1)
    pixels, alpha = leaves(rng, crown, 9000, 0.2 * per_metre, GREENS)
    trunk = (slice(round(height * 0.6), height), slice(round(width * 0.48), round(width * 0.53)))
    bare = alpha[trunk] < 128
    pixels[trunk][bare] = (84, 70, 58)
    alpha[trunk] = 255
    corners = facing(place[0] - size[0] / 2, place[1], *size)
    lay(picture, camera, Chart(pixels, per_metre), corners, alpha, haze)


def lamp(picture: Picture, camera: Camera) -> None:
    """A lamp post on the right pavement."""
    pole = plain(0.14, 6, 90, (96, 100, 102))
    ramp = np.array([0.55, 0.8, 1.1, 1.35, 1.2], np.float32)
    columns = np.linspace(0, len(ramp) - 1, pole.pixels.shape[1]).round().astype(int)
    pole.pixels[:] = pole.pixels * ramp[columns][None, :, None]
    shadow_of(picture, camera, facing(3.7, 25, 0.14, 6), 2.5)
    lay(picture, camera, pole, facing(3.7, 25, 0.14, 6))


def speed_sign(picture: Picture, camera: Camera) -> None:
    """A round sign on a thin post."""
    post = plain(0.07, 2.6, 200, (150, 152, 154))
    post.pixels[:, : post.pixels.shape[1] // 2] = (106, 108, 112)
    shadow_of(picture, camera, facing(3.6, 21.8, 0.07, 2.6), 2)
    lay(picture, camera, post, facing(3.6, 21.8, 0.07, 2.6))
    side = 400
    chart = plain(1, 1, side, (238, 236, 230))
    alpha = np.zeros((side, side), np.uint8)
    middle = (side // 2, side // 2)
    cv2.circle(alpha, middle, side // 2 - 2, (255,), -1, cv2.LINE_AA)
    cv2.circle(chart.pixels, middle, side // 2 - 26, (188, 40, 38), 48, cv2.LINE_AA)
    chart.text("30", 0.26, 0.32, 0.74, 0.68, (30, 30, 32))
    chart.light(0, 0, 1, 1, 0.9, 1.02)
    lay(picture, camera, chart, facing(3.32, 21.75, 0.64, 0.64, 2.0), alpha)


def shadow_of(picture: Picture, camera: Camera, corners: Points, blur: float) -> None:
    """The shadow on the ground of something flat."""
    seen = camera.project(on_ground(corners))
    patch = Patch(picture.shape, seen, margin=4 * blur + 2)
    patch.fill(seen, (0, 0, 0))
    patch.darken(picture, 0.45, blur)


def dapple(rng: Generator, picture: Picture, camera: Camera) -> None:
    """Light through a tree that stands behind the camera, on the near right of the road."""
    per_metre = 24
    height, width = 9 * per_metre, 8 * per_metre
    field = rough(rng, height, width, (3, 6, 14))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / per_metre
    reach = (1.3 - np.hypot((x - 6.2) / 3.6, (y - 7.0) / 4.2)).clip(0, 1)
    alpha = (255 * ((field + 0.75) * 1.4).clip(0, 1) * (2 * reach).clip(0, 1)).astype(np.uint8)
    alpha[:2], alpha[:, :2] = 0, 0
    seen = camera.project(floor(-2.4, 7, 5.6, 16))
    patch = Patch(picture.shape, seen)
    patch.paste(np.zeros((height, width, 3), np.uint8), seen, alpha)
    patch.darken(picture, 0.36, 3)


def railing(camera: Camera, picture: Picture) -> tuple[Patch, Patch]:
    """The railing along the left pavement, and the shadow that it casts."""
    per_metre, length, height = 170, 10.4, 1.05
    chart = plain(length, height, per_metre, (70, 76, 74))
    alpha = plain(length, height, per_metre, (0, 0, 0))
    for y, thick in ((0.12, 0.035), (0.99, 0.05)):
        alpha.box(0, y, length, y + thick, (255, 255, 255))
        chart.box(0, y + thick / 2, length, y + thick, (140, 148, 146))
    for index, x in enumerate(np.arange(0.02, length - 0.05, 0.13)):
        post = index % 16 == 0
        thick, top = (0.06, 1.05) if post else (0.024, 1.0)
        alpha.box(x, 0 if post else 0.12, x + thick, top, (255, 255, 255))
        chart.box(x + thick / 2, 0.15, x + thick, 0.97, (124, 132, 130))
    corners = along(-KERB - 0.3, 7.6, 7.6 + length, height)
    fence, shade = (
        Patch(picture.shape, camera.project(place), margin=12)
        for place in (corners, on_ground(corners))
    )
    fence.paste(chart.pixels, camera.project(corners), alpha.pixels[..., 0])
    shade.paste(chart.pixels, camera.project(on_ground(corners)), alpha.pixels[..., 0])
    return fence, shade
