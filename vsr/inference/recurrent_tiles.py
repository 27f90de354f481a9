"""One step of a recurrent network, by tiles that share its state.

Flow and state are of the whole picture; only what is computed from them is cut, with as much around
each tile as the network sees, so that no seam shows, now or later. Where the picture has stood
still for a while, as most of what a still camera sees does, nothing is computed again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vsr.core.color import (
    enlarge_alpha,
    enlarge_chroma,
    from_rgb,
    known_matrix,
    luma_of,
    seen_of,
    to_rgb,
)
from vsr.core.crop import Box
from vsr.core.frame import Frame, Plane, VideoInfo
from vsr.core.geometry import Geometry
from vsr.core.quality import Quality
from vsr.core.resample import sample_type, to_samples
from vsr.inference.active import CALL, active_tiles
from vsr.inference.area import GRID, Area, samples
from vsr.inference.devices import exact_kernels, release
from vsr.inference.fit import Fitter, needed
from vsr.inference.memory import free_memory, is_out_of_memory
from vsr.inference.steps import Step
from vsr.inference.tiles import LEAST_TILE, Tile, halved, now_smaller, tiles, wanted
from vsr.inference.transfer import fetched, sent
from vsr.inference.upscaler import enlarged_differences
from vsr.networks.recurrent import PATIENCE, Recurrent
from vsr.networks.recurrent_state import Observation, State, quality_planes

MARGIN = 64
"""Pixels around a part of the picture that are computed too: flow is exact within, and what moves
in from farther away has no state yet."""

_GAIN = 0.85  # of the cost of all tiles, up to which some are worth their trouble
_WORKSPACE = 1.5  # what kernels take besides tensors, at most, in parts of them


@dataclass(frozen=True)
class Told:
    """What a network is told of a source, and how much of what it says is taken.

    Attributes:
        quality: what was done to the source.
        detail: the share of the network's detail over bicubic that is kept.
    """

    quality: Quality
    detail: float = 1.0


@dataclass(frozen=True)
class Before:
    """The step before one, as far as it needs no state.

    Attributes:
        step: that step.
        observation: what is, or will be, observed in it.
    """

    step: Step
    observation: Future[Observation]


@dataclass(frozen=True)
class Canvas:
    """What the tiles of a step are written to.

    Attributes:
        luma: (1, H, W) samples of the large picture; or (1, 1, H, W) float32 for one of RGB, or of
            another size than the network's.
        state: for the next step.
        waiting: parts of the state that replace what the step still reads: tile, hidden state and
            detail. None where the state is new, and they are written at once.
    """

    luma: Tensor
    state: State
    waiting: list[tuple[Tile, Tensor, Tensor]] | None = None

    def write(self, tile: Tile, hidden: Tensor, detail: Tensor) -> None:
        """A tile's part of the state."""
        here = (slice(None), slice(None), *tile.core)
        self.state.hidden[here], self.state.detail[here] = hidden, detail


class RecurrentTiler:
    """Steps a recurrent network. It may be called by several threads; it keeps no state.

    Args:
        network: as `engine.prepared` makes it, on `device`.
        info: what holds for the frames that go in.
        device: where everything is computed.
        workers: into how many parts a picture is cut at least.
        size: side of the tiles in small pixels; 0 for as few tiles as workers, None for what the
            memory bears.
        told: what is to be done with the source.
        warn: told, in one line, of smaller tiles.
        box: the part of each frame that is wanted, as `CropRegion.inside` gives it; None for all.
            It and MARGIN pixels around it are then taken for the whole picture.
        geometry: the large picture, where that is not just `box` enlarged by the network.
    """

    def __init__(
        self,
        network: Recurrent,
        info: VideoInfo,
        device: torch.device,
        workers: int,
        size: int | None,
        told: Told,
        warn: Callable[[str], None],
        box: Box | None = None,
        geometry: Geometry | None = None,
    ) -> None:
        self.network, self.device = network, device
        box = needed(geometry, info, network) if geometry else box
        self._part = wanted(info, MARGIN, box)
        seen = self._part.seen
        self._fitter: Fitter | None = None
        if geometry:
            self._fitter = Fitter(geometry, info, network, seen, seen, device)
        rows, columns = self._part.seen
        self._given = info
        self._info = replace(
            known_matrix(info), width=columns.stop - columns.start, height=rows.stop - rows.start
        )
        self._told = told
        self._workers, self._warn = workers, warn
        self._size = self._bearable() if size is None else size

    def tiles(self, active: NDArray[np.bool_]) -> tuple[list[Tile], bool]:
        """The tiles of a step in which pixels (H, W) are `active`, and whether those are all.

        All of them are taken where that costs less.
        """
        height, width = self._info.height, self._info.width
        halo = (self.network.receptive_field - 1) // 2
        size = self._size or (-(-height // self._workers), 0)
        whole = list(tiles(height, width, size, halo))
        if self._size:
            few = [tile for tile in whole if active[tile.core].any()]
        else:
            few = active_tiles(active, halo)
        return (few, False) if _cost(few) < _GAIN * _cost(whole) else (whole, True)

    @torch.inference_mode()
    def observe(self, step: Step, before: Before | None) -> Observation:
        """What needs no state, of a step and the one `before`.

        None where the state is empty: the frame is then its own past.
        """
        frames = step.frames
        lumas = torch.cat([self._luma(self._planes(frame)) for frame in frames], 1)
        quality = quality_planes(self._told.quality.of(frames)).to(self.device)
        network = self.network
        with exact_kernels(self.device):
            if before is None:
                itself = lumas[:, :1]
                still = torch.zeros_like(itself, dtype=torch.uint8)
                return network.observe(lumas, itself, still, quality)
            seen = before.observation.result()
            last = seen.frame
            if not (seen.coming.shape[1] and step.comes_after(before.step)):
                return network.observe(lumas, last, seen.still, quality)
            coming = network.coming_flows(lumas, seen.coming[:, 1:])
            return network.observe(lumas, last, seen.still, quality, seen.coming[:, 0], coming)

    @torch.inference_mode()
    def active(self, observation: Observation) -> NDArray[np.bool_]:
        """(H, W), where the picture has not stood still for long."""
        return (observation.still < PATIENCE)[0, 0].cpu().numpy()

    @torch.inference_mode()
    def start(self, observation: Observation) -> State:
        """The empty state."""
        return self.network.start(observation.frame)

    @torch.inference_mode()
    def canvas(self, observation: Observation, before: Canvas | None = None) -> Canvas:
        """Room for what a step makes, with what the one `before` has made."""
        if before is not None:
            state = replace(before.state, previous=observation.frame, still=observation.still)
            return Canvas(before.luma.clone(), state, [])
        scale, dtype = self.network.scale, observation.planes.dtype
        height, width = self._info.height, self._info.width

        def room(channels: int) -> Tensor:
            planes = torch.empty(1, height, width, channels, dtype=dtype, device=self.device)
            return planes.permute(0, 3, 1, 2)

        large = (1, height * scale, width * scale)
        if self._info.format.rgb or self._fitter:
            luma = torch.empty(large, device=self.device)[:, None]
        else:
            kind = sample_type(self._info.format.peak, self.device)
            luma = torch.empty(large, dtype=kind, device=self.device)
        hidden, detail = room(self.network.hidden), room(self.network.details)
        return Canvas(luma, State(observation.frame, hidden, detail, observation.still))

    @torch.inference_mode()
    def advance(self, observation: Observation, state: State, tile: Tile, canvas: Canvas) -> None:
        """Restore a tile of a frame, and write it, and its part of the next state."""
        scale, peak = self.network.scale, self._info.format.peak
        made_of = (observation, state, tile.seen, self._told.detail)
        with exact_kernels(self.device):
            phases, hidden, detail = self.network.advance(*made_of)
        core = samples((1, 1), tile.core, tile.seen)
        whole = (slice(None), slice(None))
        made = (tile, hidden[(*whole, *core)], detail[(*whole, *core)])
        if canvas.waiting is None:
            canvas.write(*made)
        else:
            canvas.waiting.append(made)
        rows, columns = (slice(n.start * scale, n.stop * scale) for n in tile.core)
        own = phases[(*whole, *core)]
        if canvas.luma.is_floating_point():
            canvas.luma[..., rows, columns] = nn.functional.pixel_shuffle(own, scale)
        else:
            canvas.luma[..., rows, columns] = to_samples(own * peak, scale, peak)

    @torch.inference_mode()
    def all_done(self, parts: Sequence[Future[None]], canvas: Canvas) -> bool:
        """Wait for a step's tiles; False where memory ran out: it must be done again, smaller."""
        refused = False
        for part in parts:
            try:
                part.result()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                refused = True
        if refused:
            self._shrink()
            return False
        for made in canvas.waiting or ():
            canvas.write(*made)
        return True

    @torch.inference_mode()
    def others(self, frame: Frame) -> list[Tensor]:
        """What does not go through the network, enlarged: chroma and alpha; see `finished`."""
        planes, scale = self._planes(frame), self.network.scale
        kernel, fitter = self.network.chroma_kernel, self._fitter
        if self._info.format.rgb:
            rgb = to_rgb(planes[:3], self._info)
            luma = luma_of(seen_of(rgb, self._info), self._info)
            found = [enlarged_differences(rgb, luma, self.network)]
        elif fitter:
            found = fitter.chroma(planes[1:3])
        else:
            found = enlarge_chroma(planes[1:3], self._info, scale, kernel)
        alpha = planes[3:]
        return found + (
            fitter.alpha(alpha) if fitter else enlarge_alpha(alpha, self._info, scale, kernel)
        )

    @torch.inference_mode()
    def finished(self, luma: Tensor, others: Sequence[Tensor]) -> tuple[Plane, ...]:
        """The planes of the large frame, or of the wanted part of it."""
        if self._fitter:
            return self._fitted(self._fitter, luma, others)
        if self._info.format.rgb:
            differences, *alpha = others
            info = self._info.enlarged(self.network.scale)
            large = [*from_rgb(differences + luma, info), *alpha]
        else:
            large = [luma, *others]
        steps = [self._info.format.steps(n) for n in range(len(large))]
        places = [
            samples(step, self._part.core, self._part.seen, self.network.scale) for step in steps
        ]
        return tuple(
            fetched(plane[0, rows, columns].contiguous())
            for plane, (rows, columns) in zip(large, places, strict=True)
        )

    def _fitted(self, fitter: Fitter, luma: Tensor, others: Sequence[Tensor]) -> tuple[Plane, ...]:
        """The planes of the size that was asked for."""
        if self._info.format.rgb:
            differences, *alpha = others
            made = [*fitter.rgb(differences + luma), *alpha]
        else:
            made = [fitter.luma(luma), *others]
        return tuple(fetched(plane[0]) for plane in made)

    def _planes(self, frame: Frame) -> list[Tensor]:
        """A frame's planes (1, h, w), of the part that is computed."""
        whole: Area = (slice(0, None), slice(0, None))
        found = []
        for n, plane in enumerate(frame.planes):
            place = samples(self._given.format.steps(n), self._part.seen, whole)
            found.append(sent(np.ascontiguousarray(plane[place])[None], self.device))
        return found

    def _luma(self, planes: Sequence[Tensor]) -> Tensor:
        """(1, 1, h, w) float32 in [0, 1]."""
        if self._info.format.rgb:
            rgb = to_rgb(planes[:3], self._info)
            return luma_of(seen_of(rgb, self._info), self._info)
        return planes[0][None].to(torch.float32).div_(self._info.format.peak)

    def _bearable(self) -> int:
        """The size of tiles that fit half the free memory, one for each worker; 0 for strips."""
        free = free_memory(self.device)
        pixels = self._info.height * self._info.width
        bytes_ = 4 * _WORKSPACE * self.network.planes_at_once
        if free is None or pixels * bytes_ <= free / 2:
            return 0
        halo = (self.network.receptive_field - 1) // 2
        side = math.isqrt(int(free / 2 / self._workers / bytes_)) - 2 * (halo + GRID)
        return max(LEAST_TILE, side // GRID * GRID)

    def _shrink(self) -> None:
        longest = max(self._info.height, self._info.width)
        self._size = halved(self._size, longest, self.device)
        release(self.device)
        self._warn(now_smaller(self._size, self.device))


def _cost(some: Sequence[Tile]) -> int:
    """In pixels."""
    return sum(tile.seen_pixels + CALL for tile in some)
