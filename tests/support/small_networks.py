"""A small network of each architecture, with random weights whose output depends on all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vsr.networks import Network
from vsr.networks.cleaned import Cleaned
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.literature.carn import Carn
from vsr.networks.literature.dbpn import Dbpn, Ddbpn
from vsr.networks.literature.dilated import Dilated
from vsr.networks.literature.drrn import Drrn
from vsr.networks.literature.fsrcnn import Fsrcnn
from vsr.networks.literature.idn import Idn
from vsr.networks.literature.lapsrn import Lapsrn
from vsr.networks.literature.mdsr import Mdsr
from vsr.networks.literature.rcan import Rcan
from vsr.networks.literature.rdn import Rdn
from vsr.networks.literature.srcnn import Srcnn
from vsr.networks.literature.srdensenet import Srdensenet
from vsr.networks.literature.srresnet import Srresnet
from vsr.networks.literature.vdsr import Vdsr
from vsr.networks.literature.wavelet import Wavelet
from vsr.networks.recurrent import Recurrent
from vsr.networks.vespcn import Vespcn
from vsr.networks.zssr import Zssr

from .random_weights import drawn

SMALL: dict[str, Callable[[int], Network]] = {
    "interpolation": Interpolation,
    "espcn": lambda scale: drawn(Espcn(scale, (5, 3, 3), (6, 4)), last=0.2),
    "vespcn": lambda scale: drawn(Vespcn(scale, features=4, layers=3, flow_features=4), last=0.2),
    "edsr": lambda scale: drawn(Edsr(scale, 1, 6), last=0.2),
    "recurrent": lambda scale: drawn(
        Recurrent(scale, features=8, pairs=1, flow_features=4, coming_aligned=True), last=0.2
    ),
    "srcnn": lambda scale: drawn(Srcnn(scale, (5, 3, 3), (6, 4)), last=0.2),
    "fsrcnn": lambda scale: drawn(Fsrcnn(scale, 6, 3, 2), last=0.2),
    "vdsr": lambda scale: drawn(Vdsr(scale, layers=4, features=6), last=0.2),
    "srresnet": lambda scale: drawn(Srresnet(scale, 1, 6), last=0.2),
    "dbpn": lambda scale: drawn(Dbpn(scale, 2, 6, 4), last=0.2),
    "d-dbpn": lambda scale: drawn(Ddbpn(scale, 2, 6, 4), last=0.2),
    "rcan": lambda scale: drawn(Rcan(scale, 1, 2, 6, 2, window=1), last=0.2),
    "srdensenet": lambda scale: drawn(Srdensenet(scale, 2, 2, 4, 8), last=0.2),
    "rdn": lambda scale: drawn(Rdn(scale, 2, 2, 4, 6), last=0.2),
    "idn": lambda scale: drawn(Idn(scale, 1, 12, 4), last=0.2),
    "carn": lambda scale: drawn(Carn(scale, 16, 2, mobile=True), last=0.2),
    "dilated": lambda scale: drawn(Dilated(scale, 6, (2, 3)), last=0.2),
    "wavelet": lambda scale: drawn(Wavelet(scale, 6, (8, 8), 1), last=0.2),
    "drrn": lambda scale: drawn(Drrn(scale, units=2, features=6), last=0.2),
    "lapsrn": lambda scale: drawn(Lapsrn(scale, 2, 6), last=0.1),
    "mdsr": lambda scale: drawn(Mdsr(scale, (scale,), 1, 6), last=0.2),
    "cleaned": lambda scale: drawn(
        Cleaned(scale, "espcn", {"kernels": (3, 3), "features": (4,)}, features=4, blocks=1),
        last=0.2,
    ),
    "zssr": lambda scale: drawn(Zssr(scale, 3, 6), last=0.2),
}
"""By the names of ARCHITECTURES: what makes one of a scale."""
DOUBLING = frozenset({"lapsrn"})
"""Those without x3."""


def of_scales(names: Iterable[str]) -> list[tuple[str, int]]:
    """Each with each scale that it has."""
    return [(name, s) for name in names for s in (2, 3, 4) if s != 3 or name not in DOUBLING]
