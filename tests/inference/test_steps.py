"""Steps: what a recurrent network goes through, in which order, and from where on."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from support.lettered_frames import Given, parse

from vsr.core.frame import Frame
from vsr.core.lifetime import LIFETIME, lifetime
from vsr.inference.steps import Step, since_lifetime, steps

TICK = LIFETIME / 10  # a lifetime is ten frames of these videos


def frames(given: Sequence[Given], first: int = 0) -> Iterator[Frame]:
    """Frames of these samples, a tick each from `first` on."""
    for n, one in enumerate(given):
        yield one.at(first + n, 1)


def written(made: Iterator[Step]) -> str:
    """The steps' frames; "*" before a fresh one, and behind the times at which it is shown."""
    words = []
    for step in made:
        letters = "".join(chr(frame.planes[0][0, 0]) for frame in step.frames)
        times = ",".join(str(pts) for pts, _ in step.times)
        words.append(f"{'*' if step.fresh else ''}{letters}{':' if times else ''}{times}")
    return " ".join(words)


@pytest.mark.parametrize(
    ("text", "future", "warmup", "expected"),
    [
        ("", 1, 2, ""),
        ("A", 1, 0, "*AA:0"),
        ("A", 1, 2, "*AA AA AA:0"),  # again and again
        ("A", 0, 2, "*A A A:0"),
        ("ABCD", 0, 0, "*A:0 B:1 C:2 D:3"),
        ("ABCD", 1, 0, "*AB:0 BC:1 CD:2 DD:3"),
        ("ABCD", 2, 0, "*ABC:0 BCD:1 CDD:2 DDD:3"),
        ("ABCD", 1, 2, "*CB BA AB:0 BC:1 CD:2 DD:3"),  # backwards first
        ("ABC", 0, 5, "*B A B C B A:0 B:1 C:2"),  # there and back
        ("AB", 1, 3, "*BA AB BA AB:0 BB:1"),
        ("AB|CD", 1, 2, "*AB BA AB:0 BB:1 *CD DC CD:2 DD:3"),
        ("AABBC", 1, 2, "*AB BA AB:0,1 BC:2,3 CC:4"),  # two frames on, one picture
        ("AAAA", 1, 2, "*AA AA AA:0,1,2,3"),
        # a lifetime is ten frames
        ("ABCDEFGHIJKL", 0, 1, "*B A:0 B:1 C:2 D:3 E:4 F:5 G:6 H:7 I:8 J:9 *J K:10 L:11"),
        ("AAAAAAAAAAAA", 0, 2, "*A A A:0,1,2,3,4,5,6,7 A:8,9 *A A A:10,11"),
        ("ABABABABABA|B", 1, 0, "*AB:0 BA:1 AB:2 BA:3 AB:4 BA:5 AB:6 BA:7 AB:8 BA:9 *AA:10 *BB:11"),
        # outside the span: what is remembered of it, and no more
        ("aBc", 1, 0, "*AB BC:1"),
        ("ab|Cd|e", 1, 1, "*DC CD:2"),
    ],
)
def test_steps(text: str, future: int, warmup: int, expected: str) -> None:
    assert written(steps(frames(parse(text)), future, warmup, TICK)) == expected


def anything(chance: random.Random, length: int) -> list[Given]:
    letters = [ord(chance.choice("ABC")) for _ in range(length)]
    given = [Given(letters[0], True)]
    for before, letter in pairwise(letters):
        given.append(Given(letter, letter != before and chance.random() < 0.1))
    return given


def seen_since_fresh(made: Iterator[Step]) -> dict[int, list[tuple[int, ...]]]:
    """All that what is shown at a time can depend on: the samples of its steps, in order."""
    found: dict[int, list[tuple[int, ...]]] = {}
    history: list[tuple[int, ...]] = []
    for step in made:
        history = [] if step.fresh else history
        history.append(tuple(int(frame.planes[0][0, 0]) for frame in step.frames))
        for pts, _ in step.times:
            found[pts] = [*history]
    return found


def of_span(
    given: Sequence[Given], begin: int, end: int, warmup: int, first: int
) -> Iterator[Frame]:
    """What a reader gives of a span: a lifetime and its warm-up, and a frame before them."""
    life = lifetime(first + begin, TICK)
    lives = [lifetime(first + n, TICK) for n in range(len(given))]
    start = max(0, lives.index(life) - warmup - 1)
    for n, frame in enumerate(frames(given, first)):
        if n >= start:
            cut = frame.starts_shot or n == start  # by a detector that sees its first frame
            outside = not begin <= n < end
            yield Frame(frame.planes, frame.pts, frame.duration, cut, outside)


@pytest.mark.parametrize(("future", "warmup"), [(0, 0), (0, 3), (1, 2), (2, 8)])
def test_a_span_sees_what_the_whole_does(future: int, warmup: int) -> None:
    """The steps from the last fresh one on are the same, so what comes of them is, too."""
    chance = random.Random(future + warmup)
    for _ in range(300):
        given = anything(chance, chance.randrange(1, 45))
        first = chance.randrange(-20, 20)
        whole = seen_since_fresh(steps(frames(given, first), future, warmup, TICK))
        assert sorted(whole) == [first + n for n in range(len(given))]
        begin, end = sorted(chance.sample(range(len(given) + 1), 2))
        part = of_span(given, begin, end, warmup, first)
        found = seen_since_fresh(steps(part, future, warmup, TICK))
        assert found == {first + n: whole[first + n] for n in range(begin, end)}


def test_what_is_read_from_the_beginning_is_left_out_up_to_the_lifetime() -> None:
    given = frames(parse("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    kept = since_lifetime(given, 22, 3, TICK)
    assert [frame.pts for frame in kept] == list(range(17, 26))


def test_nothing_is_drawn_far_behind_the_span() -> None:
    drawn = 0

    def source() -> Iterator[Frame]:
        nonlocal drawn
        for n in range(1000):
            drawn += 1
            yield Frame((np.array([[65 + n % 7]], np.uint8),), n, 1, n == 0, n >= 5)

    assert written(steps(source(), 2, 0, Fraction(1, 1000))).endswith("EFG:4")
    assert drawn == 7


def test_what_is_held_is_bounded() -> None:
    """A span that begins late in a long lifetime: steps are given on as they come."""
    context = (Frame((np.array([[n % 7]], np.uint8),), n, 1, n == 0, True) for n in range(9000))
    made = steps(context, 2, 8, Fraction(1, 1000))
    assert next(made).fresh
    assert next(context).pts < 40
