"""Classification of a source: clean, or footage (noisy or compressed)."""

from __future__ import annotations

from dataclasses import dataclass

from vsr.model_selection.analyze import SourceAnalysis

# By benchmarks/judging.py, on scenes made small and coded in known ways.
COARSE = 22.0
"""The quantiser, on H.264's scale, from which on the weights for footage do better, as x264 comes
to it at CRF 18 to 22: with less, what the encoder left alone is worth more sharpened."""
FEW_BITS = 0.13
"""`SourceAnalysis.bits_per_gradient` below which the same is so of what tells no quantiser."""
BLOCKY = 1.2
"""`SourceAnalysis.blocks` from which on block edges are to be seen."""
NOISY = 3.0
"""`SourceAnalysis.noise` from which on noise is to be seen, and no fine texture is taken for it."""

_NAMES = {
    "h264": "H.264",
    "hevc": "HEVC",
    "vvc": "VVC",
    "av1": "AV1",
    "libdav1d": "AV1",
    "libaom-av1": "AV1",
    "vp8": "VP8",
    "libvpx": "VP8",
    "vp9": "VP9",
    "libvpx-vp9": "VP9",
    "mpeg1video": "MPEG-1",
    "mpeg2video": "MPEG-2",
    "mpeg4": "MPEG-4",
    "mjpeg": "Motion JPEG",
    "prores": "ProRes",
}


@dataclass(frozen=True)
class Classification:
    """What a video was taken for.

    Attributes:
        is_footage: whether it is a recording, noisy or compressed; else it is clean.
        why: in one phrase for people, with what was measured.
        look: what was measured; None where it was taken for that unseen.
    """

    is_footage: bool
    why: str
    look: SourceAnalysis | None = None


def classify(look: SourceAnalysis) -> Classification:
    """Footage is what was coded coarsely, or shows blocks, or noise: any of these is enough."""
    found = []
    if look.quantiser is not None:
        if look.quantiser >= COARSE:
            found.append("coarsely coded")
    elif look.bits_per_gradient is not None and look.bits_per_gradient < FEW_BITS:
        found.append("coarsely coded")
    if look.blocks >= BLOCKY:
        found.append("blocky")
    if look.noise >= NOISY:
        found.append("noisy")
    kind = f"footage by its look, {' and '.join(found)}" if found else "clean by its look"
    return Classification(bool(found), f"{kind}: {_measured(look)}", look)


def _measured(look: SourceAnalysis) -> str:
    """H.264 at 0.03 bits a pixel, quantiser 28, blocks 1.15, noise 0.4."""
    parts = [f"{_NAMES.get(look.codec, look.codec)} at {look.bits:.2g} bits a pixel"]
    if look.quantiser is not None:
        parts.append(f"quantiser {look.quantiser:.0f}")
    elif look.bits_per_gradient is not None:
        parts.append(f"{look.bits_per_gradient:.2g} for each step in a keyframe")
    return ", ".join([*parts, f"blocks {look.blocks:.2f}", f"noise {look.noise:.1f}"])
