"""The architectures, by the name that the manifest and model files use for them."""

from __future__ import annotations

from vsr.networks.cleaned import Cleaned
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.literature import LITERATURE
from vsr.networks.network import Network
from vsr.networks.recurrent import Recurrent
from vsr.networks.vespcn import Vespcn
from vsr.networks.zssr import Zssr

ARCHITECTURES: dict[str, type[Network]] = {
    "interpolation": Interpolation,
    "espcn": Espcn,
    "vespcn": Vespcn,
    "edsr": Edsr,
    "recurrent": Recurrent,
    "zssr": Zssr,
    "cleaned": Cleaned,
    **LITERATURE,
}

__all__ = ["ARCHITECTURES", "Network"]
