"""An image tells what it is where its own XMP does not stand."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from vsr.images.encode import encode
from vsr.images.files import read_header
from vsr.images.formats import IMAGE_FORMATS
from vsr.images.metadata import Metadata
from vsr.images.xmp_tag import with_image_statement

HOLDING = [suffix for suffix, held in IMAGE_FORMATS.items() if "xmp" in held.blocks]
TEXT = "Computed, not observed: vsr 0.1.0; <&> x4"
PIXELS = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)


@pytest.mark.parametrize("suffix", HOLDING)
def test_the_statement_arrives_in_an_image(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"out{suffix}"
    own = Metadata(exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0" if "tif" not in suffix else b"")
    plain = encode(PIXELS, file, own)
    data = encode(PIXELS, file, with_image_statement(own, TEXT, file))
    file.write_bytes(data)
    held = read_header(file).metadata
    assert held.exif == own.exif
    packet = ElementTree.fromstring(held.xmp.decode().partition("?>")[2].rpartition("<?")[0])
    assert [li.text for li in packet.iter() if li.tag.endswith("}li")] == [TEXT]
    pictures = [cv2.imdecode(np.frombuffer(d, np.uint8), cv2.IMREAD_COLOR) for d in (plain, data)]
    assert np.array_equal(*pictures)


@pytest.mark.parametrize("suffix", HOLDING)
def test_xmp_that_is_there_stays(suffix: str) -> None:
    own = Metadata(xmp=b"<the source's/>")
    assert with_image_statement(own, TEXT, Path(f"out{suffix}")) is own


@pytest.mark.parametrize("suffix", sorted({*IMAGE_FORMATS} - {*HOLDING, ".jp2", ".avif"}))
def test_formats_without_xmp_stay_as_they_are(suffix: str) -> None:
    assert with_image_statement(Metadata(), TEXT, Path(f"out{suffix}")) == Metadata()
