"""The closing line of a run: what arrived."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction

from vsr import Result
from vsr.core.picture import short
from vsr.util.text import counted

_DAMAGE = {
    "missing_bytes": "bytes missing",
    "cut_bytes": "bytes cut off while reading",
    "rewritten": "change while reading",
    "absent": "pictures that have not come",
    "unreadable": "broken places",
    "undecodable": "packets not decoded",
    "gaps": "packets damaged",
    "corrupt": "pictures damaged",
    "untimed": "times made up",
    "repaired_pts": "times mended",
    "discontinuities": "clocks continued",
    "other_packets": "packets of other streams",
}


_WORTH_TELLING = 0.005  # of all pixels: 1 % when rounded


def summary(result: Result) -> str:
    """Frames, time, A/V offset, streams and damage, and how it was done."""
    run = result.run
    parts = [f"{counted(run.frames_in, 'frame')} in, {run.frames_out} out"]
    if run.duration_in is not None and run.duration_out is not None:
        parts.append(f"{float(run.duration_in):.3f} s{_change(run.duration_in, run.duration_out)}")
    if run.sound_in is not None and run.sound_out is not None:
        parts.append(f"A/V offset {_ms(run.sound_in)}{_change(run.sound_in, run.sound_out)}")
    parts.append(f"{counted(len(run.others.copied), 'other stream')} copied")
    for streams, what in ((run.others.converted, "converted"), (run.others.dropped, "left out")):
        if streams:
            parts.append(f"{counted(len(streams), 'other stream')} {what} ({'; '.join(streams)})")
    if run.stood_still and run.stood_still >= _WORTH_TELLING:
        parts.append(f"{run.stood_still:.0%} stood still, not computed again")
    damage = [f"{count} {_DAMAGE[kind]}" for kind, count in asdict(run.damage).items() if count]
    if damage:
        parts.append(f"damage: {', '.join(damage)}")
    if result.verified:
        parts.append("verified")
    models = " and ".join(dict.fromkeys((result.model, *result.then)))
    how = f"x{short(result.scale)} {models} on {result.device} ({result.precision})"
    return (
        f"{result.target}: {'; '.join(parts)}. {how}, {result.seconds:.1f} s, {result.fps:.1f} fps"
    )


def _change(before: Fraction, after: Fraction) -> str:
    """What became of a time."""
    moved = after - before
    return f" ({_ms(moved, sign=True)})" if round(moved * 1000) else ", unchanged"


def _ms(seconds: Fraction, sign: bool = False) -> str:
    return f"{round(seconds * 1000):{'+' if sign else ''}d} ms"
