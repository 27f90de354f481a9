"""Errors, names, sizes and times as people read them."""

from __future__ import annotations

from fractions import Fraction

_UNITS = ("B", "kB", "MB", "GB", "TB")


def one_line(words: object, longest: int | None = None) -> str:
    """What something says of itself in one line, with single spaces, cut at `longest` characters.

    File names, and what libraries say, may hold anything.
    """
    return " ".join(str(words).split())[:longest]


def shown(value: object, longest: int = 40) -> str:
    """A wrong value as a message shows it: in one line, and not at any length."""
    try:
        text = one_line(repr(value))
    except (ValueError, RecursionError):  # Python writes no number of thousands of digits
        return f"of type {type(value).__name__}, too long to show,"
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def printable(text: str) -> str:
    """A text with "?" for what is no character to be seen: controls, line breaks, broken bytes."""
    return "".join(c if c.isprintable() else "?" for c in text)


def shortened(name: str, columns: int) -> str:
    """A name in so many columns: its end tells more."""
    return name if len(name) <= columns else f"...{name[3 - columns :]}"


def counted(count: int, noun: str) -> str:
    """1 packet, 2 packets."""
    return f"{count} {noun}{'s' * (count != 1)}"


def size_text(size: float) -> str:
    """Bytes in powers of 1000: 12 B, 345 kB, 6.7 MB."""
    power = 0
    while power < len(_UNITS) - 1 and size >= 1000:
        size /= 1000
        power += 1
    return f"{size:.{0 if power < 2 else 1}f} {_UNITS[power]}"


def duration_text(seconds: float) -> str:
    """How long something takes: 12.3 s, or from a minute on hours, minutes and seconds, 0:01:02."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def clock_text(seconds: float | Fraction) -> str:
    """A place in a video, to a tenth of a second: 0:07, 2:03.5, 1:02:03."""
    minutes, tenths = divmod(round(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    rest = f"{tenths // 10:02d}" + (f".{tenths % 10}" if tenths % 10 else "")
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"


def fps_text(fps: float) -> str:
    """Frames a second in about three digits: 120, 23.9, 0.41."""
    return f"{fps:.0f}" if fps >= 100 else f"{fps:.1f}" if fps >= 1 else f"{fps:.2g}"
