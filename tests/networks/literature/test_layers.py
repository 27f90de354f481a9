"""Each network is what its paper draws, layer by layer; its gradients are right; and it learns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from support.random_weights import drawn
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.resample import Upsample
from vsr.networks import Network
from vsr.networks.literature.carn import Carn
from vsr.networks.literature.dbpn import Dbpn, Ddbpn
from vsr.networks.literature.deconvolution import padding
from vsr.networks.literature.dilated import Dilated
from vsr.networks.literature.idn import Idn
from vsr.networks.literature.rcan import Rcan
from vsr.networks.literature.rdn import Rdn
from vsr.networks.literature.srdensenet import Srdensenet
from vsr.networks.literature.srresnet import Normalized, Srresnet
from vsr.networks.literature.transposed import Transposed
from vsr.networks.literature.wavelet import Wavelet

SCALES = (2, 3, 4)
STAGES = {2: (2,), 3: (3,), 4: (2, 2)}
MEAN = torch.tensor([0.4488, 0.4371, 0.4040])[:, None, None]
KINDS: dict[str, Callable[[int], Network]] = {
    "srresnet": lambda scale: Srresnet(scale, 1, 6),
    "light srresnet": lambda scale: Srresnet(scale, 1, 6, light=True),
    "dbpn": lambda scale: Dbpn(scale, 3, 6, 4),
    "d-dbpn": lambda scale: Ddbpn(scale, 3, 6, 4),
    "rcan": lambda scale: Rcan(scale, 2, 1, 6, 1),
    "rcan with a window": lambda scale: Rcan(scale, 1, 2, 6, 1, window=1),
    "light rcan": lambda scale: Rcan(scale, 1, 1, 6, 1, window=1, light=True),
    "rdn": lambda scale: Rdn(scale, 2, 2, 4, 6),
    "light rdn": lambda scale: Rdn(scale, 2, 2, 4, 6, light=True),
    "srdensenet": lambda scale: Srdensenet(scale, 2, 3, 4, 8),
    "light srdensenet": lambda scale: Srdensenet(scale, 2, 3, 4, 8, light=True),
    "idn": lambda scale: Idn(scale, 1, 12, 4),
    "carn": lambda scale: Carn(scale, 6),
    "carn-m": lambda scale: Carn(scale, 8, 2, mobile=True),
    "light carn": lambda scale: Carn(scale, 6, light=True),
    "dilated": lambda scale: Dilated(scale, 6, (2, 3)),
    "wavelet": lambda scale: Wavelet(scale, 6, (8, 8), 1),
}


def picture(network: Network, height: int = 7, width: int = 6) -> Tensor:
    return torch.rand(2, 3 if network.color == "rgb" else 1, height, width)


class Layers:
    """The layers of a network in the order in which they were made, called by plain torch."""

    def __init__(self, network: Network) -> None:
        kinds = (nn.Conv2d, Transposed, nn.PReLU)
        self.left = [module for module in network.modules() if isinstance(module, kinds)]

    def __call__(self, x: Tensor) -> Tensor:
        layer = self.left.pop(0)
        if isinstance(layer, Transposed):
            kernel = layer.weight.shape[-1]
            further = layer.factor - kernel + 2 * layer.padding
            settings = (layer.factor, layer.padding, further)
            return F.conv_transpose2d(x, layer.weight, layer.bias, *settings)
        found: Tensor = layer(x)
        return found


def shuffled(layers: Layers, scale: int, x: Tensor, after: Callable[[Tensor], Tensor]) -> Tensor:
    for factor in STAGES[scale]:
        x = F.pixel_shuffle(after(layers(x)), factor)
    return layers(x)


def as_rcan(layers: Layers, x: Tensor, scale: int) -> Tensor:
    """Two groups of a block."""
    shallow = features = layers(x - MEAN)
    for _ in range(2):
        change = layers(layers(features).relu())
        weights = layers(layers(change.mean((2, 3), keepdim=True)).relu()).sigmoid()
        features = layers(features + change * weights) + features
    features = layers(features) + shallow
    return shuffled(layers, scale, features, lambda y: y) + MEAN


def as_rdn(layers: Layers, x: Tensor, scale: int) -> Tensor:
    """Two blocks of two layers."""
    shallow = layers(x)
    features = layers(shallow)
    found = []
    for _ in range(2):
        first = layers(features).relu()
        second = layers(torch.cat([features, first], 1)).relu()
        features = features + layers(torch.cat([features, first, second], 1))
        found.append(features)
    features = layers(layers(torch.cat(found, 1))) + shallow
    return shuffled(layers, scale, features, lambda y: y)


def as_srdensenet(layers: Layers, x: Tensor, scale: int) -> Tensor:
    """Two blocks of three layers."""
    found = [layers(x).relu()]
    for _ in range(2):
        first = layers(found[-1]).relu()
        second = layers(first).relu()
        third = layers(torch.cat([first, second], 1)).relu()
        found.append(torch.cat([first, second, third], 1))
    features = layers(torch.cat(found, 1)).relu()
    for _ in STAGES[scale]:
        features = layers(features).relu()
    return layers(features)


def as_carn(layers: Layers, x: Tensor, scale: int) -> Tensor:
    def residual(y: Tensor) -> Tensor:
        return (layers(layers(y).relu()) + y).relu()

    def cascaded(y: Tensor, block: Callable[[Tensor], Tensor], joins: list[nn.Module]) -> Tensor:
        found = [y]
        for join in joins:
            found.append(block(y))
            y = join(torch.cat(found, 1)).relu()
        return y

    convs = layers.left
    head, blocks, joins, tail = convs[0], convs[1:28], convs[28:31], convs[31:]
    groups = [blocks[n : n + 9] for n in (0, 9, 18)]

    def cascading(y: Tensor) -> Tensor:
        group = groups.pop(0)
        layers.left = group[:6]
        return cascaded(y, residual, group[6:])

    features = cascaded(head(x - MEAN), cascading, joins)
    layers.left = tail
    return shuffled(layers, scale, features, torch.relu) + MEAN


def as_carn_m(layers: Layers, x: Tensor, scale: int) -> Tensor:
    """As above, with three layers in a residual block, which the three of a cascade share."""
    convs = layers.left
    head, blocks, joins, tail = convs[0], convs[1:19], convs[19:22], convs[22:]
    found, features = [], head(x - MEAN)
    found.append(features)
    for number, join in enumerate(joins):
        first, second, mix, *inner = blocks[6 * number : 6 * number + 6]
        seen, y = [features], features
        for inner_join in inner:
            seen.append((mix(second(first(y).relu()).relu()) + y).relu())
            y = inner_join(torch.cat(seen, 1)).relu()
        found.append(y)
        features = join(torch.cat(found, 1)).relu()
    layers.left = tail
    return shuffled(layers, scale, features, torch.relu) + MEAN


def as_dbpn(network: Dbpn | Ddbpn, x: Tensor) -> Tensor:
    """Three up-projections and two down-projections."""

    def up(unit: nn.Module, low: Tensor) -> Tensor:
        first, back, again = (Plain(layer) for layer in (unit.first, unit.back, unit.again))
        high = unit.slopes[0](first(low))
        residual = unit.slopes[1](back(high)) - low
        return unit.slopes[2](again(residual)) + high

    def joined(unit: nn.Module, parts: list[Tensor]) -> Tensor:
        if unit.join is None:
            return parts[-1]
        return unit.slopes[3](unit.join(torch.cat(parts, 1)))

    low = network.head_slope(network.head(x))
    low = network.reduce_slope(network.reduce(low))
    lows, highs = [], []
    for number, unit in enumerate(network.ups):
        highs.append(up(unit, joined(unit, lows or [low])))
        if number < 2:
            unit = network.downs[number]
            lows.append(up(unit, joined(unit, highs)))
    return network.last(torch.cat(highs, 1))


class Plain:
    """A layer called by plain torch."""

    def __init__(self, layer: nn.Module) -> None:
        self.layers = Layers.__new__(Layers)
        self.layers.left = [layer]

    def __call__(self, x: Tensor) -> Tensor:
        return self.layers(x)


def as_idn(layers: Layers, network: Idn, x: Tensor) -> Tensor:
    """One block of 12 features, 4 kept."""

    def bent(y: Tensor) -> Tensor:
        return F.leaky_relu(y, 0.05)

    features = block = bent(layers(bent(layers(x))))
    for _ in range(3):
        features = bent(layers(features))
    kept, rest = features[:, :4], features[:, 4:]
    for _ in range(3):
        rest = bent(layers(rest))
    features = bent(layers(rest + torch.cat([block, kept], 1)))
    last, scale = network.last, network.scale
    cut = padding(17, scale)
    settings = (scale, cut, scale - 17 + 2 * cut)
    residual = F.conv_transpose2d(features, last.weight, last.bias, *settings)
    return Upsample(scale)(x) + residual


def plainly(name: str, network: Network, x: Tensor) -> Tensor:
    layers, scale = Layers(network), network.scale
    if isinstance(network, Idn):
        return as_idn(layers, network, x)
    if isinstance(network, Dbpn | Ddbpn):
        return as_dbpn(network, x)
    kinds = {"rcan": as_rcan, "rdn": as_rdn, "srdensenet": as_srdensenet}
    kinds |= {"carn": as_carn, "carn-m": as_carn_m}
    return kinds[name](layers, x, scale)


PLAIN = ("rcan", "rdn", "srdensenet", "carn", "carn-m", "idn", "dbpn", "d-dbpn")


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", PLAIN)
def test_layer_by_layer(name: str, scale: int) -> None:
    network = drawn(KINDS[name](scale), last=0.5)
    x = picture(network)
    found, expected = network(x), plainly(name, network, x)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)
    factors = torch.rand(found.shape)
    parameters = list(network.parameters())
    gradient = torch.autograd.grad((found * factors).sum(), parameters)
    plain = torch.autograd.grad((expected * factors).sum(), parameters)
    for one, other in zip(gradient, plain, strict=True):
        torch.testing.assert_close(one, other, atol=1e-2, rtol=1e-3)
    with torch.inference_mode():
        torch.testing.assert_close(network(x), expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("scale", [2, 4])
def test_srresnet_layer_by_layer(scale: int) -> None:
    """In training, with the statistics of the batch: figure 4."""
    network = drawn(Srresnet(scale, 1, 6)).train()
    x = picture(network)
    normal = [module for module in network.modules() if isinstance(module, Normalized)]

    def normalised(layer: Normalized, y: Tensor) -> Tensor:
        y = layer.conv(y)
        means, spread = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), False, keepdim=True)
        shape = (1, -1, 1, 1)
        y = (y - means) / (spread + 1e-5).sqrt()
        return y * layer.gain.view(shape) + layer.bias.view(shape)

    shallow = network.head_slope(network.head(x))
    first, second, end = normal
    block = network.body[0]
    features = normalised(second, block.slope(normalised(first, shallow))) + shallow
    features = normalised(end, features) + shallow
    tail = network.tail
    for stage, slope, factor in zip(tail.stages, tail.slopes, STAGES[scale], strict=True):
        features = slope(F.pixel_shuffle(stage(features), factor))
    torch.testing.assert_close(network(x), tail.last(features), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_gradients_are_those_of_the_output(name: str) -> None:
    """Along the gradient the output changes as it says, for all that is overwritten on the way."""
    network = drawn(KINDS[name](2), last=0.3)
    network.train()
    x = picture(network, 8, 8)
    factors = torch.rand(network(x).shape)
    parameters = list(network.parameters())

    def total() -> Tensor:
        return (network(x).double() * factors).sum()

    gradients = torch.autograd.grad(total(), parameters)
    length = sum(float(g.square().sum()) for g in gradients) ** 0.5
    step = 2e-3

    def moved(by: float) -> float:
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.add_(gradient, alpha=by / length)
            return float(total())

    change = moved(step) - moved(-2 * step)
    assert change == pytest.approx(2 * step * length, rel=0.05)


@pytest.mark.parametrize("name", KINDS)
def test_it_learns_in_all_its_parts(name: str) -> None:
    torch.manual_seed(2)
    network = drawn(KINDS[name](2)).train()
    (network(picture(network, 12, 12)) - 0.5).square().mean().backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_steps_lower_the_loss(name: str) -> None:
    """From where it begins by itself, in bfloat16 as training does it."""
    torch.manual_seed(3)
    network = KINDS[name](2).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    small = picture(network, 12, 12)
    large = F.interpolate(small, scale_factor=2, mode="nearest")
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            guess = network(small.to(memory_format=torch.channels_last))
        loss = (guess - large).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
