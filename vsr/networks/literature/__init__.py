"""Networks of the literature, for comparison and research: one file each, by its paper.

They stand apart: nothing takes one of them unless it is named.
"""

from __future__ import annotations

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
from vsr.networks.network import Network

LITERATURE: dict[str, type[Network]] = {
    "srcnn": Srcnn,
    "fsrcnn": Fsrcnn,
    "vdsr": Vdsr,
    "srresnet": Srresnet,
    "dbpn": Dbpn,
    "d-dbpn": Ddbpn,
    "rcan": Rcan,
    "srdensenet": Srdensenet,
    "rdn": Rdn,
    "idn": Idn,
    "carn": Carn,
    "dilated": Dilated,
    "wavelet": Wavelet,
    "drrn": Drrn,
    "lapsrn": Lapsrn,
    "mdsr": Mdsr,
}
"""The architectures of the literature, by the name that manifests and model files use for them."""
