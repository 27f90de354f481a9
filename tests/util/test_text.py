"""Errors, names, sizes and times as people read them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vsr.util.text import (
    clock_text,
    counted,
    duration_text,
    fps_text,
    one_line,
    printable,
    shortened,
    size_text,
)


def test_many_lines_become_one() -> None:
    assert one_line("  a\n\tb  c\r\n") == "a b c"
    assert one_line(ValueError("no\n more")) == "no more"
    assert one_line("a\nbc", 3) == "a b"
    assert one_line("") == ""


def test_what_cannot_be_seen_becomes_a_question_mark() -> None:
    assert printable("Zoë Čapek\n\x01\udcff 日本") == "Zoë Čapek??? 日本"


@pytest.mark.parametrize(
    ("name", "text"), [("", ""), ("12345678", "12345678"), ("123456789", "...56789")]
)
def test_a_long_name_keeps_its_end(name: str, text: str) -> None:
    assert shortened(name, 8) == text


def test_a_cameras_names_are_told_apart() -> None:
    name = "2024-05-02T22-00-00_entrance.mp4"
    assert shortened(name, 24) == "...22-00-00_entrance.mp4"
    assert shortened(name[8:], 24) == name[8:]


def test_one_is_told_from_many() -> None:
    assert [counted(n, "packet") for n in (0, 1, 2)] == ["0 packets", "1 packet", "2 packets"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (85_312, "85 kB"),
        (999_000, "999 kB"),
        (1e6, "1.0 MB"),
        (23.45e6, "23.4 MB"),
        (4.56e9, "4.6 GB"),
        (7.8e12, "7.8 TB"),
        (7.8e15, "7800.0 TB"),
    ],
)
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (60, "0:01:00"), (3723.4, "1:02:03"), (360000, "100:00:00")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (Fraction(0), "0:00"),
        (Fraction(7), "0:07"),
        (Fraction(247, 2), "2:03.5"),
        (Fraction(3723), "1:02:03"),
        (Fraction(59_99, 100), "1:00"),  # not 0:60
        (7.04, "0:07"),
    ],
)
def test_places_in_a_video(seconds: float | Fraction, text: str) -> None:
    assert clock_text(seconds) == text


@pytest.mark.parametrize(("fps", "text"), [(123.4, "123"), (23.94, "23.9"), (0.4123, "0.41")])
def test_rates(fps: float, text: str) -> None:
    assert fps_text(fps) == text
