"""Community models: what spandrel makes of a file is what runs here."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.community_networks import NETWORKS, compact, drawn, nafnet, saved
from support.noise_frames import described, noise
from torch import Tensor, nn

from vsr.core.errors import DeviceError, ModelError
from vsr.core.options import ComputeOptions
from vsr.inference.engine import choose_engine, copies, restore, suiting
from vsr.networks.community.community import Community
from vsr.networks.registry import has_state, load_model, scales_of

ALL = pytest.mark.parametrize("name", NETWORKS)


def picture(channels: int, height: int = 44, width: int = 52) -> Tensor:
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(1))


def own_output(name: str, x: Tensor) -> Tensor:
    """What the network itself gives; those here need no padding for x."""
    with torch.inference_mode():
        made: Tensor = drawn(name)(x)
    return made.clamp(0, 1)


@ALL
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_it_gives_what_the_network_itself_gives(name: str, suffix: str, tmp_path: Path) -> None:
    path = saved(drawn(name), tmp_path / f"{name}{suffix}")
    _, scale, architecture = NETWORKS[name]
    assert scales_of(str(path)) == (scale,)
    assert not has_state(str(path))
    model = load_model(path, scale)
    assert (model.name, model.scale, model.weights.network) == (name, scale, architecture)
    assert model.weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.weights.parameters == sum(p.numel() for p in drawn(name).parameters())
    network = model.network
    assert isinstance(network, Community)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    x = picture(network.channels)
    with torch.inference_mode():
        found = network(x)
        before_shuffle = network.subpixel(x)
    expected = own_output(name, x)
    assert found.dtype == torch.float32
    assert expected.std() > 1e-3  # it is no flat picture that is compared
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)
    shuffled = torch.nn.functional.pixel_shuffle(before_shuffle, scale)
    torch.testing.assert_close(shuffled, found)


@pytest.mark.parametrize("under", ["params", "params_ema", "state_dict", "model", "net"])
def test_weights_within_another_dict(under: str, tmp_path: Path) -> None:
    path = saved(drawn("2x-compact"), tmp_path / "a.pth", under)
    assert scales_of(str(path)) == (2,)


@pytest.mark.parametrize("suffix", [".pt", ".ckpt", ".PTH"])
def test_state_dicts_by_other_names(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    torch.save(drawn("2x-compact").state_dict(), path)
    assert scales_of(str(path)) == (2,)


def test_the_old_format_of_torch_save(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    state = drawn("2x-compact").state_dict()
    torch.save(state, path, _use_new_zipfile_serialization=False)
    assert scales_of(str(path)) == (2,)


def test_half_precision_weights(tmp_path: Path) -> None:
    halved = drawn("2x-compact").half()
    model = load_model(saved(halved, tmp_path / "a.safetensors"), 2)
    expected = halved.float()
    x = picture(3)
    with torch.inference_mode():
        torch.testing.assert_close(model.network(x), expected(x).clamp(0, 1), atol=1e-5, rtol=0)


def test_the_licence_that_a_file_tells(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(drawn("2x-compact").state_dict(), path, {"modelspec.license": "CC BY 4.0"})
    assert load_model(path, 2).weights.licence == "CC BY 4.0"
    assert load_model(saved(drawn("2x-compact"), path), 2).weights.licence == ""


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    path = saved(compact(2), tmp_path / "a.pth")
    assert scales_of(str(path)) == (2,)
    saved(compact(3, layers=3), path)
    assert scales_of(str(path)) == (3,)


def test_another_scale(tmp_path: Path) -> None:
    path = saved(drawn("2x-compact"), tmp_path / "a.pth")
    with pytest.raises(ModelError, match=r"a\.pth: is for scale 2, not 4$"):
        load_model(path, 4)


def test_loaded_models_share_nothing(tmp_path: Path) -> None:
    path = saved(drawn("2x-compact"), tmp_path / "a.pth")
    first, second = load_model(path, 2).network, load_model(path, 2).network
    for parameter in first.parameters():
        parameter.zero_()
    assert all(parameter.any() for parameter in second.parameters())


# Precision


def test_a_network_that_bears_no_fp16(tmp_path: Path) -> None:
    plain = load_model(saved(drawn("1x-nafnet"), tmp_path / "a.pth"), 1).network
    assert plain.precisions == ("fp32", "bf16")
    asked = choose_engine(ComputeOptions(device="cpu", precision="bf16"))
    assert suiting(asked, plain) is asked
    engine = replace(asked, precision="fp16")
    with pytest.raises(DeviceError, match=r"precision fp16: the model bears fp32, bf16$"):
        suiting(engine, plain)
    assert suiting(replace(engine, precision_asked=False), plain).precision == "bf16"


def test_int8_is_for_networks_of_vsr(tmp_path: Path) -> None:
    network = load_model(saved(drawn("2x-compact"), tmp_path / "a.pth"), 2).network
    engine = choose_engine(ComputeOptions(device="cpu", precision="fp32"))
    engine = replace(engine, precision="int8")
    with pytest.raises(DeviceError, match=r"precision int8: the model bears fp32, bf16, fp16$"):
        copies(network, engine)


def test_bf16_is_near_to_float32(tmp_path: Path) -> None:
    model = load_model(saved(drawn("2x-compact"), tmp_path / "a.pth"), 2)
    info = described("yuv444p", 40, 24, matrix=1)
    made = []
    for options in (ComputeOptions(precision="fp32"), ComputeOptions(precision="bf16")):
        engine = choose_engine(replace(options, device="cpu"))
        (frame,) = restore(iter(noise(1, info)), info, model, engine)
        made.append(frame.planes[0].astype(int))
    difference = abs(made[0] - made[1])
    assert 0 < difference.max() <= 3  # of 255


# What does not enlarge pictures


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (lambda: compact(2).__class__(num_in_ch=4, num_out_ch=4, num_feat=8, num_conv=2), "4 chan"),
        (lambda: compact(2).__class__(num_in_ch=6, num_out_ch=3, num_feat=8, num_conv=2), "6 chan"),
        (lambda: compact(9), r"Compact enlarges x9; x1 to x8 are supported$"),
    ],
    ids=["alpha", "two pictures", "x9"],
)
def test_what_goes_in_and_comes_out(
    network: Callable[[], nn.Module], words: str, tmp_path: Path
) -> None:
    path = saved(network(), tmp_path / "a.pth")
    with pytest.raises(ModelError, match=words) as caught:
        scales_of(str(path))
    assert "\n" not in str(caught.value)


# Modules that change themselves


def test_several_threads_at_once(tmp_path: Path) -> None:
    network = load_model(saved(drawn("2x-span"), tmp_path / "a.pth"), 2).network
    pictures = [picture(3, 20 + 4 * n, 30) for n in range(8)]

    def enlarged(x: Tensor) -> Tensor:
        with torch.inference_mode():
            made: Tensor = network(x)
        return made

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(enlarged, pictures))
    for made, x in zip(found, pictures, strict=True):
        torch.testing.assert_close(made, own_output("2x-span", x), atol=2e-5, rtol=0)


def test_copies_run_as_the_original_does(tmp_path: Path) -> None:
    x = picture(3)
    for name in ("2x-span", "1x-nafnet"):
        _, scale, _ = NETWORKS[name]
        network = load_model(saved(drawn(name), tmp_path / f"{name}.pth"), scale).network
        with torch.inference_mode():
            copied = copy.deepcopy(network)
            torch.testing.assert_close(copied(x), network(x))
        assert isinstance(copied, Community)
        assert copied.module is copied._descriptor.model  # what moves to a GPU is what runs
        assert copied.module is not network.module


def test_a_picture_that_is_too_small(tmp_path: Path) -> None:
    network = load_model(saved(nafnet(), tmp_path / "a.pth"), 1).network
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 1, 1)).shape == (1, 3, 1, 1)
