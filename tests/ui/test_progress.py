"""How far a job is, by what its command tells."""

from __future__ import annotations

from vsr.ui.progress import Pace, Stand


def test_frames_tell_the_time_that_is_left() -> None:
    pace = Pace()
    assert pace.stand(0, 100, now=0.0) == Stand(0, 100)
    assert pace.stand(20, 100, now=10.0) == Stand(20, 100, fps=2.0, seconds_left=40.0)


def test_a_share_of_all_work_tells_it_too() -> None:
    """As `vsr fuse` does, whose work is more than its frames."""
    pace = Pace()
    assert pace.by_share(0.0, now=0.0) == Stand(share=0.0)
    assert pace.by_share(0.25, now=10.0) == Stand(share=0.25, seconds_left=30.0)
