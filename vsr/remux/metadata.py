"""Tags, languages, dispositions and chapters, from one container to another."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.container import InputContainer
from av.stream import Stream

if TYPE_CHECKING:
    from av.container.core import Chapter
else:  # PyAV names the type in its stubs alone
    Chapter = dict

# Facts about the old encoding, or about the file that held it, that would be false in the new.
_STALE = {
    "bps", "compatible_brands", "duration", "encoder", "major_brand", "minor_version",
    "number_of_bytes", "number_of_frames", "software", "vendor_id",
}  # fmt: skip

# Facts about how a video was encoded. Where the new one has alpha, the muxer says so itself.
_OF_ENCODING = {
    *("alpha_mode", "encoder_options", "encoder_settings", "encoding_settings"),
    "stereo_mode",  # which the encoder's stream has anew, where that is true of it
}

# QuickTime has a table of languages: libav finds them by these names and loses all others.
_QUICKTIME_LANGUAGES = {
    "bod": "tib", "cym": "wel", "deu": "ger", "ell": "gre", "eus": "baq", "fao": "fo ",
    "fas": "per", "fre": "fra", "gle": "iri", "hrv": "hr ", "hye": "arm", "isl": "ice",
    "kat": "geo", "mkd": "mac", "msa": "may", "mya": "bur", "nld": "dut", "nob": "nor",
    "pan": "pa ", "cze": "ces", "rum": "ron", "slo": "slk", "sqi": "alb", "srp": "sr ",
    "swe": "sve", "zho": "chi",
}  # fmt: skip
_FROM_QUICKTIME = {
    old: new for new, old in _QUICKTIME_LANGUAGES.items() if old in ("fo ", "hr ", "iri", "pa ")
} | {"sr ": "srp", "sve": "swe"}

# Tags for what a file says of itself, the first that is free. Others where libav keeps few, or
# takes two for the same.
_STATEMENT = ("comment", "description", "synopsis")
_OTHER_STATEMENT = {"avi": ("comment", "encoded_by"), "asf": ("synopsis", "encoded_by")}


def copy_facts(
    source: Stream, target: Stream, format_name: str, encoded_anew: bool = False
) -> None:
    """Copy a stream's language, title and other tags, and its disposition.

    Where it is `encoded_anew`, what they say of its encoding is left out.
    """
    tags = lasting(source.metadata)
    if encoded_anew:
        tags = {key: value for key, value in tags.items() if key.lower() not in _OF_ENCODING}
    if "name" in tags and not any(key.lower() == "title" for key in tags):
        tags["title"] = tags.pop("name")  # mp4's word for it, as libav reads it
    target.metadata.update(tags)
    for key in tags:
        if key.lower() == "language":
            target.metadata[key] = _language(tags[key], format_name)
    target.disposition = source.disposition


def lasting(metadata: dict[str, str]) -> dict[str, str]:
    """The tags that stay true in another file."""
    kept = {}
    for key, value in metadata.items():
        plain, _, language = key.rpartition("-")
        localised = bool(plain) and len(language) == 3 and language.isalpha()
        name = (plain if localised else key).lower()
        repeated = localised and metadata.get(plain) == value
        if name not in _STALE and not name.startswith("_statistics") and not repeated:
            kept[key] = value
    return kept


def with_statement(tags: Mapping[str, str], text: str, format_name: str = "") -> dict[str, str]:
    """Global tags with the statement in the first that is free for it; all others as they are.

    `format_name` is libav's name of the muxer. Where none is free, or there is
    nothing to say, the tags stay as they are.
    """
    taken = {key.lower() for key in tags}
    taken |= {key.rpartition("-")[0] for key in taken}  # in one language: comment-eng
    free = [key for key in _OTHER_STATEMENT.get(format_name, _STATEMENT) if key not in taken]
    return {**tags, free[0]: text} if free and text else dict(tags)


def label(stream: Stream) -> str:
    """A stream by its index, kind, name or codec, and language: "2 subtitle subrip (eng)"."""
    words = [str(stream.index), stream.type, stream.metadata.get("filename", codec_name(stream))]
    if "language" in stream.metadata:
        words.append(f"({stream.metadata['language']})")
    return " ".join(filter(None, words))


def codec_name(stream: Stream) -> str:
    """The codec's own name, whichever decoder is at work; "" if it is unknown."""
    if stream.codec_context is not None:
        return stream.codec_context.codec.canonical_name
    return getattr(stream, "name", None) or ""


def chapters(
    container: InputContainer, output_start: Fraction, end: Fraction | None, cut: bool
) -> list[Chapter]:
    """The file's chapters on an output's clock that begins at `output_start` of the file's.

    What lies from `end` on is left out, and with `cut` what lies before `output_start`.
    """
    kept: list[Chapter] = []
    for number, chapter in enumerate(container.chapters()):
        base = chapter["time_base"] or Fraction(1, av.time_base)
        begins, ends = (chapter[edge] * base - output_start for edge in ("start", "end"))
        if (cut and ends <= 0) or (end is not None and begins >= end - output_start):
            continue
        begins = max(begins, Fraction(0))
        if end is not None:
            ends = min(ends, end - output_start)
        kept.append(
            Chapter(
                id=chapter["id"] if chapter["id"] is not None else number,
                start=round(begins / base),
                end=round(max(begins, ends) / base),
                time_base=base,
                metadata=chapter["metadata"],
            )
        )
    return kept


def for_mp4(found: list[Chapter]) -> list[Chapter]:
    """Chapters as libav's muxers for mp4 need them: the first begins at 0, and all have names.

    Otherwise they lose times. A name may be a space. An end is where the next one begins.
    """
    named = [_named(chapter) for chapter in found]
    if not named or named[0]["start"] <= 0:
        return named
    unused = max(chapter["id"] for chapter in named) + 1
    first = Chapter(
        id=unused,
        start=0,
        end=named[0]["start"],
        time_base=named[0]["time_base"],
        metadata={"title": " "},
    )
    return [first, *named]


def _named(chapter: Chapter) -> Chapter:
    title = chapter["metadata"].get("title") or " "
    return Chapter(**{**chapter, "metadata": {**chapter["metadata"], "title": title}})


def _language(language: str, format_name: str) -> str:
    if format_name == "mov":
        return _QUICKTIME_LANGUAGES.get(language, language)
    return _FROM_QUICKTIME.get(language, language)
