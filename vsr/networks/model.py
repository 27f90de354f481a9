"""A network ready to run, with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from vsr.networks import Network
from vsr.networks.catalogue import ModelCard


@dataclass(frozen=True)
class Model:
    """A network ready to run, with what is known of it.

    Attributes:
        weights: the card: name, scale, scores, licences.
        network: a torch module, (N, T*C, H, W) in [0, 1] -> (N, C, scale*H, scale*W), float32; C is
            1 for luma and 3 for RGB, T the frames that it sees; see `vsr.networks.Network`.
    """

    weights: ModelCard
    network: Network

    @property
    def name(self) -> str:
        """What a user calls it."""
        return self.weights.name

    @property
    def scale(self) -> int:
        """The factor for both sides."""
        return self.weights.scale
