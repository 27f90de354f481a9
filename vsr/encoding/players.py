"""What of H.264 many players cannot show."""

from __future__ import annotations

from av.codec import Codec

from vsr.core.frame import VideoInfo

_MOST_BLOCKS = 36864  # of 16x16 pixels, as in 4096x2304: level 5.2, the most of common decoders


def player_note(encoder: str, info: VideoInfo) -> str:
    """What to tell people of a video of `info`, as it is encoded, that many players refuse.

    "" where nothing is known against it. Televisions, browsers and hardware decoders show H.264
    in 8 bits, 4:2:0 and up to 4096x2304.
    """
    if Codec(encoder, "w").canonical_name != "h264":
        return ""
    layout, found = info.format, []
    if layout.rgb:
        found.append("RGB")
    elif (layout.chroma_width, layout.chroma_height) != (2, 2) and layout.planes > 1:
        found.append("4:4:4" if layout.chroma_width == 1 else "4:2:2")
    if layout.depth > 8:
        found.append(f"{layout.depth} bits")
    other = "--pix-fmt yuv420p is shown everywhere" if found else ""
    if -(-info.width // 16) * -(-info.height // 16) > _MOST_BLOCKS:
        found.append(f"{info.width}x{info.height}")
        other = "--codec hevc or av1 is shown by more"
    if not found:
        return ""
    return f"many players cannot show H.264 in {' and '.join(found)}; {other}"
