"""How many frames a source gives in all, to hold against what its segments have."""

from __future__ import annotations

from vsr.core.events import ignore
from vsr.core.job import Job
from vsr.core.threads import ahead
from vsr.segmented.keyframe_scan import scan
from vsr.segmented.plan import edges_of, wanted
from vsr.video.reader import open_video

_DECODED_AHEAD = 4  # frames


def frames_given(job: Job, made: int) -> int:
    """How many frames the decoder gives in the span of a job whose segments have `made` so many.

    Where each packet of the source is a frame of its own, and there are as many as `made`, they
    are not decoded again. Raises InputError.
    """
    path, read = job.file, job.options.read
    with open_video(path, read.span, ignore, read) as video:
        found = scan(path, video.stream_index)
        if found.plain and len(wanted(found, video.parts, *edges_of(video))) == made:
            return made
        with ahead(video.frames(), _DECODED_AHEAD, read.stall_timeout) as frames:
            return sum(1 for _ in frames)
