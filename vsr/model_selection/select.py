"""Which model a job takes: the one that is named, or the default of the family that suits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vsr.core.errors import InputError, ModelError, StalledError
from vsr.core.options import READ_DEFAULTS, ReadOptions, UpscaleOptions
from vsr.core.url import Url
from vsr.images.listing import is_image
from vsr.model_selection.analyze import analyze
from vsr.model_selection.classify import Classification, classify
from vsr.networks.catalogue import default_model, footage_model
from vsr.networks.registry import has_state, scales_of


@dataclass(frozen=True)
class Choice:
    """A model, and what made it the one.

    Attributes:
        model: its name, or a file.
        said: in one line for people, what the source was taken for; "" where that was no question.
        denoise: what a model that is told of a source's quality is to be told, as `--denoise` has
            it; None leaves it to measurement.
    """

    model: str
    said: str = ""
    denoise: float | None = None

    def of(self, options: UpscaleOptions) -> UpscaleOptions:
        """The options with the model named, and no question of content left."""
        denoise = self.denoise if options.denoise is None else options.denoise
        return options.but(model=self.model, content="auto", denoise=denoise)


def choose_model(
    source: Path | Url, options: UpscaleOptions, scale: int, stills: bool = False
) -> Choice:
    """The model for a source. The same source gives the same one.

    Args:
        source: a file, a folder of images or an address.
        options: of which the model that is named settles it. Without one `content` says what the
            source is taken for; "auto" looks at a video file, see `classify`. Images are taken for
            clean, and addresses, which may give all but once, for footage; of a pipe the beginning
            is looked at. A recurrent default serves both: nothing is looked at here, and "clean"
            tells it that the source is flawless.
        scale: 2, 3 or 4.
        stills: whether each image stands for itself.

    Raises ModelError where `content` is "footage" and there are no such weights for the scale;
    StalledError where the source gives nothing. One that cannot be read is taken for clean: the
    job itself says why.
    """
    if options.model:
        return Choice(options.model)
    content, precision = options.content, options.compute.precision
    clean, footage = default_model(stills, precision), footage_model(stills, precision)
    if content == "footage":
        return Choice(_for_scale(footage, scale))
    if content == "clean":
        return Choice(clean, denoise=0.0 if has_state(clean) else None)
    if footage in (None, clean):
        return Choice(clean)
    judgement = None if stills else judged(source, options.read)
    if judgement is None:
        return Choice(clean)
    if not judgement.is_footage:
        return Choice(clean, f"{judgement.why}; {clean}")
    if scale not in scales_of(footage):
        lacks = f"{footage} has no weights for x{scale}, only for {_scales(footage)}"
        return Choice(clean, f"{judgement.why}; {clean}, as {lacks}")
    return Choice(footage, f"{judgement.why}; {footage}")


def _for_scale(footage: str | None, scale: int) -> str:
    if footage is None:
        raise ModelError(
            "weights for footage: this vsr has none; take content 'clean', or name a model"
        )
    if scale not in scales_of(footage):
        raise ModelError(f"{footage} has no weights for x{scale}: it has {_scales(footage)}")
    return footage


def _scales(model: str) -> str:
    return ", ".join(f"x{scale}" for scale in scales_of(model))


def judged(source: Path | Url, read: ReadOptions = READ_DEFAULTS) -> Classification | None:
    """What a source is taken for; None for images, and for what cannot be read.

    Raises StalledError.
    """
    if isinstance(source, Url) and source.file is None and not source.is_pipe:
        return Classification(True, "footage, as what comes from an address is taken for")
    file = source.file if isinstance(source, Url) else source
    if file is not None and (file.is_dir() or is_image(file)):
        return None
    try:
        return classify(analyze(source, read))
    except StalledError:
        raise
    except InputError:
        return None
