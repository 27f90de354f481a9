"""Drawn games and test patterns: progressive, with edges that no camera has.

Every picture is whole, so a drawing must never be taken for interlaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

Draw = Callable[[int], np.ndarray]
"""The picture of a number: (H, W) uint8."""

SIZES = (
    *((160, 144), (240, 160), (256, 192), (256, 224), (256, 240)),
    *((320, 180), (320, 200), (320, 224), (320, 240), (384, 216)),
    *((400, 240), (480, 270), (512, 288), (640, 360), (640, 480)),
)
"""Columns and rows, as consoles and emulators have them."""


def drawings(count: int) -> Iterator[tuple[str, Draw]]:
    """So many drawings of all kinds and sizes, each with a name; always the same."""
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        width, height = SIZES[number % len(SIZES)]
        name = f"{number} {kind} {width}x{height}"
        yield name, KINDS[kind](np.random.default_rng(number), width, height)


def _speed(chance: np.random.Generator) -> tuple[int, int]:
    """Columns and rows per frame; not none."""
    while True:
        x, y = (int(n) for n in chance.integers(-5, 6, 2) * chance.integers(0, 2, 2))
        if x or y:
            return x, y


def _tile(chance: np.random.Generator, side: int) -> np.ndarray:
    """Bricks, dither, stripes, blobs or noise of a few shades."""
    dark, light = sorted(chance.integers(0, 256, 2).tolist())
    y, x = np.mgrid[0:side, 0:side]
    kind = chance.integers(0, 7)
    if kind == 0:
        lit = (y % 4 > 0) & ((x + y // 4 % 2 * 4) % 8 > 0)
    elif kind == 1:
        lit = (x + y) % 2 == 0
    elif kind == 2:
        lit = (x if chance.integers(0, 2) else y) % int(chance.integers(2, 5)) == 0
    elif kind == 3:
        lit = (x - side / 2) ** 2 + (y - side / 2) ** 2 < side * side / 6
    elif kind == 4:
        lit = chance.random((side, side)) < 0.3
    elif kind == 5:
        lit = (x % 4 < 2) ^ (y % 4 < 2)
    else:
        lit = np.zeros((side, side), bool)
    return np.where(lit, light, dark).astype(np.uint8)


def _board(chance: np.random.Generator, width: int, height: int, side: int) -> np.ndarray:
    """Tiles in rows and columns, to be rolled over."""
    tiles = [_tile(chance, side) for _ in range(int(chance.integers(3, 9)))]
    choice = chance.integers(0, len(tiles), (-(-height // side), -(-width // side)))
    return np.block([[tiles[n] for n in row] for row in choice])


def _stamp(picture: np.ndarray, sprite: np.ndarray, x: int, y: int) -> None:
    rows = (y + np.arange(sprite.shape[0])) % picture.shape[0]
    columns = (x + np.arange(sprite.shape[1])) % picture.shape[1]
    picture[np.ix_(rows, columns)] = sprite


def scroller(chance: np.random.Generator, width: int, height: int) -> Draw:
    """A board of tiles scrolls; sprites move over it, a status line stands."""
    side = int(chance.choice([8, 16, 32]))
    board = _board(chance, 2 * width, 2 * height, side)
    (dx, dy), sprites = _speed(chance), [_tile(chance, side) for _ in range(4)]
    moves = [_speed(chance) for _ in sprites]
    status = _board(chance, width, side, 8)[:side, :width]

    def draw(number: int) -> np.ndarray:
        picture = np.roll(board, (-dy * number, -dx * number), (0, 1))[:height, :width].copy()
        for place, (sprite, (x, y)) in enumerate(zip(sprites, moves, strict=True)):
            _stamp(picture, sprite, 40 * place + x * number, 30 * place + y * number)
        picture[: status.shape[0]] = status
        return picture

    return draw


def layers(chance: np.random.Generator, width: int, height: int) -> Draw:
    """Three layers of tiles move at speeds of their own, one seen through the others' holes."""
    boards = [_board(chance, 2 * width, 2 * height, 16) for _ in range(3)]
    holes = [
        np.repeat(
            np.repeat(chance.random((2 * height // 16 + 1, 2 * width // 16 + 1)) < 0.5, 16, 0),
            16,
            1,
        )
        for _ in boards
    ]
    base = _speed(chance)[0] or 1

    def draw(number: int) -> np.ndarray:
        picture = np.zeros((height, width), np.uint8)
        for depth, (board, hole) in enumerate(zip(boards, holes, strict=True)):
            move = -base * (depth + 1) * number // 2
            shown = np.roll(board, move, 1)[:height, :width]
            seen = np.roll(hole, move, 1)[:height, :width]
            picture = np.where(seen | (depth == 0), shown, picture)
        return picture

    return draw


def coarse(chance: np.random.Generator, width: int, height: int) -> Draw:
    """A small game shown with each pixel two or three times as large; it moves by whole pixels."""
    times = int(chance.integers(2, 4))
    small = scroller(chance, -(-width // times), -(-height // times))

    def draw(number: int) -> np.ndarray:
        large = np.repeat(np.repeat(small(number), times, 0), times, 1)
        return np.asarray(large[:height, :width])

    return draw


def slow(chance: np.random.Generator, width: int, height: int) -> Draw:
    """A game of half, a third or a quarter of the frames."""
    every, game = int(chance.integers(2, 5)), scroller(chance, width, height)
    return lambda number: game(number // every)


def sprites(chance: np.random.Generator, width: int, height: int) -> Draw:
    """Many small things fly over one shade, or over tiles that stand."""
    still = chance.integers(0, 2)
    under = _board(chance, width, height, 16)[:height, :width]
    under = under if still else np.full((height, width), chance.integers(0, 256), np.uint8)
    things = [_tile(chance, int(chance.choice([2, 4, 8, 16]))) for _ in range(40)]
    places = chance.integers(0, 500, (40, 2)).tolist()
    moves = [_speed(chance) for _ in things]

    def draw(number: int) -> np.ndarray:
        picture = under.copy()
        for thing, (x, y), (dx, dy) in zip(things, places, moves, strict=True):
            _stamp(picture, thing, x + dx * number, y + dy * number)
        return picture

    return draw


def text(chance: np.random.Generator, width: int, height: int) -> Draw:
    """Letters of 5x7 dots roll by, a row or more at a time, or along a line."""
    letters = chance.random((26, 7, 5)) < 0.45
    lines = []
    for _ in range(2 * height // 9 + 1):
        line = np.zeros((9, 2 * width), bool)
        for x in range(0, 2 * width - 6, 6):
            if chance.random() < 0.8:
                line[1:8, x : x + 5] = letters[chance.integers(0, 26)]
        lines.append(line)
    page = np.where(np.concatenate(lines), 230, 20).astype(np.uint8)
    dx, dy = _speed(chance)
    return lambda n: np.roll(page, (-dy * n, -dx * n), (0, 1))[:height, :width]


def rings(chance: np.random.Generator, width: int, height: int) -> Draw:
    """A zone plate that moves: rings finer and finer, to a pixel."""
    y, x = np.mgrid[0:height, 0:width]
    rate, move = chance.uniform(0.3, 1.0), chance.uniform(0.1, 1.5)
    far = ((x - width / 2) ** 2 + (y - height / 2) ** 2) * rate * np.pi / width
    return lambda n: (128 + 110 * np.cos(far - move * n)).astype(np.uint8)


def bars(chance: np.random.Generator, width: int, height: int) -> Draw:
    """Test bars with a moving ramp, a moving wedge and a counter."""
    columns = np.repeat(chance.integers(0, 256, 8), -(-width // 8))[:width].astype(np.uint8)
    under = np.repeat(columns[None], height, 0)
    y, x = np.mgrid[0:height, 0:width]
    speed = int(chance.integers(1, 6))

    def draw(number: int) -> np.ndarray:
        picture = under.copy()
        band = slice(height // 3, 2 * height // 3)
        picture[band] = ((x + speed * number) * 3 % 256)[band]
        wedge = (x + y + 2 * speed * number) % 64 < 8
        picture[: height // 4][wedge[: height // 4]] = 235
        dots = np.random.default_rng(number).integers(0, 2, (5, 8)) * 255
        big = np.repeat(np.repeat(dots, 4, 0), 4, 1).astype(np.uint8)
        _stamp(picture, big, width - 40, height - 24)
        return picture

    return draw


def plasma(chance: np.random.Generator, width: int, height: int) -> Draw:
    """Waves in a few shades, as demos have them."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    a, b, c = chance.uniform(0.02, 0.4, 3)
    shades = int(chance.integers(3, 17))

    def draw(number: int) -> np.ndarray:
        wave = np.sin(a * x + number / 5) + np.sin(b * y - number / 3) + np.sin(c * (x + y) / 2)
        return (np.floor((wave + 3) / 6 * shades) * (255 / shades)).clip(0, 255).astype(np.uint8)

    return draw


def stars(chance: np.random.Generator, width: int, height: int) -> Draw:
    """Single pixels that fly at several speeds."""
    count = int(chance.integers(50, 800))
    places, speeds = chance.integers(0, 10000, (count, 2)), chance.integers(1, 6, count)
    down = bool(chance.integers(0, 2))

    def draw(number: int) -> np.ndarray:
        picture = np.zeros((height, width), np.uint8)
        x = (places[:, 0] + (0 if down else number) * speeds) % width
        y = (places[:, 1] + (number if down else 0) * speeds) % height
        picture[y, x] = 40 * speeds + 50
        return picture

    return draw


def corridor(chance: np.random.Generator, width: int, height: int) -> Draw:
    """A floor and ceiling of squares in perspective, through which one runs."""
    y, x = np.mgrid[0:height, 0:width]
    depth = 60.0 / (np.abs(y - height / 2) + 1)
    speed, turn = chance.uniform(0.05, 0.4), chance.uniform(-0.2, 0.2)

    def draw(number: int) -> np.ndarray:
        along = np.floor(depth * 4 + speed * number)
        across = np.floor((x - width / 2) / 20 * depth + turn * number)
        return np.where((along + across) % 2 == 0, 200, 60).astype(np.uint8)

    return draw


def blinds(chance: np.random.Generator, width: int, height: int) -> Draw:
    """A game seen through the lines of a screen: every second row is dark."""
    game = scroller(chance, width, height)
    dark = np.arange(height) % 2 == 0

    def draw(number: int) -> np.ndarray:
        picture = game(number).copy()
        picture[dark] //= 2
        return picture

    return draw


KINDS: dict[str, Callable[[np.random.Generator, int, int], Draw]] = {
    "scroller": scroller,
    "layers": layers,
    "coarse": coarse,
    "slow": slow,
    "sprites": sprites,
    "text": text,
    "rings": rings,
    "bars": bars,
    "plasma": plasma,
    "stars": stars,
    "corridor": corridor,
    "blinds": blinds,
    "scroller again": scroller,
}
