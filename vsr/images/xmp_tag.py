"""An image that says of itself what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

from vsr.images.formats import image_format
from vsr.images.metadata import Metadata

# An XMP packet with nothing but a description, in Dublin Core's words, as viewers show it.
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def with_image_statement(metadata: Metadata, text: str, target: Path) -> Metadata:
    """The metadata with one line of text as its XMP, where `target` holds XMP and has none.

    An empty text says nothing. XMP that is there stays as it is, byte for byte. Raises
    OutputError where no image can be written by that name.
    """
    if not text or metadata.xmp or "xmp" not in image_format(target).blocks:
        return metadata
    return replace(metadata, xmp=_PACKET.format(text=escape(text)).encode())
