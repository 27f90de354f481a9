"""What became of the files of a batch, in lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vsr.batch.outcome import Outcome, Status
from vsr.util.text import counted

from .messages import plain_line

STATUSES: tuple[Status, ...] = ("done", "skipped", "failed", "stopped")


def line_of(outcome: Outcome) -> str:
    """One file."""
    if outcome.status == "done":
        fps = float(outcome.facts.get("fps", 0))
        what = (
            f"done, {counted(outcome.frames, 'frame')} in {outcome.seconds:.1f} s ({fps:.1f} fps)"
        )
        if chosen := outcome.facts.get("chosen"):
            what += f"; {chosen}"
    else:
        what = ": ".join(filter(None, [outcome.status, reason_of(outcome)]))
    return plain_line(f"{outcome.item.source}: {what}")


def reason_of(outcome: Outcome) -> str:
    """Why it failed or was stopped, without the file's name."""
    return outcome.reason.removeprefix(f"{outcome.item.source}: ")


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many files came to each of the ends that some came to."""
    found = Counter(outcome.status for outcome in outcomes)
    return {status: found[status] for status in STATUSES if found[status]}


def table(outcomes: Sequence[Outcome], seconds: float) -> str:
    """How many came to which end, those that failed and why, and what it took."""
    lines = []
    for status, count in counts(outcomes).items():
        lines.append(f"{status:<8}{count:>7}")
        if status in ("failed", "stopped"):
            ended = [outcome for outcome in outcomes if outcome.status == status]
            lines += [plain_line(f"  {each.item.source}: {reason_of(each)}") for each in ended]
    frames = sum(outcome.frames for outcome in outcomes)
    lines.append(f"{counted(frames, 'frame')} in {seconds:.1f} s")
    return "\n".join(lines)
