"""A teacher: what a better network makes of a take stands beside the truth.

After Hinton et al. 2015, "Distilling the Knowledge in a Neural Network". Of what nobody could know
from the small frames a teacher's picture has the mean only, so that it asks for less than the truth
does, and with less noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vsr.core.errors import TrainingError
from vsr.core.options import ComputeOptions
from vsr.datasets.ground_truth import Samples
from vsr.inference.engine import choose_engine, prepared
from vsr.inference.ensemble import POSITIONS, back, moved
from vsr.networks.recurrent import Recurrent
from vsr.networks.registry import load_model
from vsr.training.takes import Take

_EDGE = 6  # small pixels at a take's edge where the teacher, too, lacks their surroundings


@dataclass(frozen=True)
class Teacher:
    """A recurrent network and how much its word weighs.

    Attributes:
        network: as `engine.prepared` makes it.
        device: where that is.
        share: of what is learnt, in 0..1; the rest is the truth.
        ensemble: whether its pictures are the mean over a take's eight flips and turns.
    """

    network: Recurrent
    device: torch.device
    share: float
    ensemble: bool

    @classmethod
    def load(cls, path: Path, scale: int, device: str, share: float, ensemble: bool) -> Teacher:
        """From a model file.

        Raises ModelError for a file that is none, TrainingError for another kind of network.
        """
        engine = choose_engine(ComputeOptions(device=device))
        network = prepared(load_model(str(path), scale).network, engine)
        if not isinstance(network, Recurrent):
            raise TrainingError(f"{path}: a teacher must be a recurrent network")
        return cls(network, engine.device, share, ensemble)

    def taught(self, take: Take) -> Take:
        """The take with true frames that the teacher has had its share in."""
        large = take.large.copy()
        edge = _EDGE * self.network.scale
        inner = (slice(None), slice(edge, -edge), slice(edge, -edge))
        restored, true = self._restored(take)[inner], large[inner]
        mixed = self.share * restored + (1 - self.share) * true
        large[inner] = np.rint(mixed).clip(0, 255)
        return replace(take, large=large)

    def _restored(self, take: Take) -> Samples:
        """What it makes of the small frames: (T, s*p, s*p) float32 in 0..255."""
        frames = torch.from_numpy(take.small).to(self.device).float().div_(255)
        positions = range(len(POSITIONS) if self.ensemble else 1)  # the first is no move at all
        lanes = torch.stack([moved(frames, n) for n in positions])
        large = self._stepped(lanes, torch.from_numpy(take.quality).to(self.device))
        mean = torch.stack([back(lane, n) for n, lane in enumerate(large)]).mean(0)
        restored: Samples = mean.mul_(255).cpu().numpy()
        return restored

    @torch.inference_mode()
    def _stepped(self, lanes: Tensor, quality: Tensor) -> Tensor:
        """(N, T, p, p) -> (N, T, s*p, s*p), warmed up as in a job."""
        network, last = self.network, lanes.shape[1] - 1
        before = [min(n, last) for n in range(network.warmup, 0, -1)]
        way = lanes[:, [*before, *range(last + 1), *[last] * network.future]]
        flows = network.coming_flows(way)  # each once
        state, told = network.start(way[:, :1]), quality.view(1, -1, 1, 1)
        large = []
        for n in range(len(before) + last + 1):
            coming = flows[:, n : n + network.future]
            flow = flows[:, n - 1] if n and coming.shape[1] else None
            phases, state = network.step(way[:, n : n + network.seen], state, told, flow, coming)
            if n >= len(before):
                large.append(F.pixel_shuffle(phases, network.scale))
        return torch.cat(large, 1)
