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
from torch.nn import functional as F

from vsr.core.errors import TrainingError
from vsr.core.options import ComputeOptions
from vsr.datasets.ground_truth import Samples
from vsr.inference.engine import choose_engine, prepared
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
    """

    network: Recurrent
    device: torch.device
    share: float

    @classmethod
    def load(cls, path: Path, scale: int, device: str, share: float, ensemble: bool) -> Teacher:
        """From a model file; with `ensemble` the mean over a video's eight flips and turns.

        Raises ModelError for a file that is none, TrainingError for another kind of network.
        """
        engine = choose_engine(ComputeOptions(device=device, self_ensemble=ensemble))
        network = prepared(load_model(str(path), scale).network, engine)
        if not isinstance(network, Recurrent):
            raise TrainingError(f"{path}: a teacher must be a recurrent network")
        return cls(network, engine.device, share)

    def taught(self, take: Take) -> Take:
        """The take with true frames that the teacher has had its share in."""
        large = take.large.copy()
        edge = _EDGE * self.network.scale
        inner = (slice(None), slice(edge, -edge), slice(edge, -edge))
        restored, true = self._restored(take)[inner], large[inner]
        mixed = self.share * restored + (1 - self.share) * true
        large[inner] = np.rint(mixed).clip(0, 255)
        return replace(take, large=large)

    @torch.inference_mode()
    def _restored(self, take: Take) -> Samples:
        """What it makes of the small frames, warmed up as in a job: (T, s*p, s*p) float32."""
        network = self.network
        frames = torch.from_numpy(take.small).to(self.device).float().div_(255)
        quality = torch.from_numpy(take.quality).to(self.device).view(1, -1, 1, 1)
        last = len(frames) - 1
        before = [min(n, last) for n in range(network.warmup, 0, -1)]
        way = [*before, *range(len(frames))]
        state = network.start(frames[None, :1])
        made = []
        for n in range(len(way)):
            places = [way[min(n + k, len(way) - 1)] for k in range(network.seen)]
            phases, state = network.step(frames[places][None], state, quality)
            if n >= len(before):
                made.append(F.pixel_shuffle(phases, network.scale)[0, 0])
        restored: Samples = torch.stack(made).mul_(255).cpu().numpy()
        return restored
