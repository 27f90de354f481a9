"""Community models that are refused: in one line, and without running what they hold."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from support.community_networks import compact, drawn, saved

from vsr.core.errors import ModelError
from vsr.networks.community import state_dict
from vsr.networks.registry import load_model


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(path, 2)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 600
    return message.removeprefix(f"{path}: ")


class Sprung:
    """A pickle that makes a file where it is loaded."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt"])
@pytest.mark.parametrize("zipped", [True, False])
def test_what_a_pickle_would_run_is_not_run(suffix: str, zipped: bool, tmp_path: Path) -> None:
    path, place = tmp_path / f"a{suffix}", tmp_path / "sprung"
    held = {**drawn("2x-compact").state_dict(), "extra": Sprung(place)}
    torch.save(held, path, _use_new_zipfile_serialization=zipped)
    assert "more than tensors" in refused(path)
    assert not place.exists()
    torch.load(path, weights_only=False)  # it would have been
    assert place.exists()


def test_a_bare_pickle_is_not_run(tmp_path: Path) -> None:
    path, place = tmp_path / "a.pth", tmp_path / "sprung"
    path.write_bytes(pickle.dumps(Sprung(place)))
    refused(path)
    assert not place.exists()


def test_a_whole_module_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save(compact(2), path)
    assert refused(path).startswith("holds more than tensors (")


def test_torchscript_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.jit.trace(compact(2).eval(), torch.rand(1, 3, 16, 16)).save(str(path))  # type: ignore[no-untyped-call]
    assert refused(path).startswith("is TorchScript, a program, and is not run; take ")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_that_are_cut_short(suffix: str, tmp_path: Path) -> None:
    path = saved(drawn("2x-compact"), tmp_path / f"a{suffix}")
    data = path.read_bytes()
    for length in (0, 1, 7, 8, 60, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        refused(path)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt"])
def test_what_is_no_model(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    for data in (b"text", b"\x80\x02.", b"PK\x03\x04", b"\x89PNG\r\n", bytes(1000)):
        path.write_bytes(data)
        assert "more than tensors" not in refused(path)
    for data in (b"", b"hello", b"<html>Not found</html>"):
        path.write_bytes(data)
        assert refused(path) == "is no model file of torch, or a damaged one"
    for held in ([1, 2], torch.ones(3), {}, {"params": 3}, "text", None):
        torch.save(held, path)
        refused(path)


def test_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.pth").startswith("no such model file")
    (tmp_path / "b.pth").mkdir()
    assert refused(tmp_path / "b.pth") == "is a folder; name a model file"


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_of_any_size(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    with path.open("wb") as file:
        file.truncate(10 * 2**40)  # it takes no room
    if suffix == ".pth":
        assert refused(path) == "has 11.0 TB; a model file may have 4.3 GB"
    else:
        refused(path)


def test_what_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(2**20))
    monkeypatch.setattr(state_dict, "MOST_BYTES", 10**5)
    assert refused(path) == "unpacks to 1.0 MB; a model may have 100 kB"


# What fits no architecture


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["unet.down.lora_up.weight", "alpha"], ", as a LoRA"),
        (["model.diffusion_model.out.0.weight"], ", as a diffusion model"),
        (["spynet.mean", "forward_resblocks.0.weight"], ", as a network for several frames"),
        (["layer4.0.conv1.weight", "fc.weight"], ", as a network that sorts"),
        (["conv0.weight", "conv1.weight_orig"], ", as a discriminator"),
        (["one", "two", "three", "four", "five", "six"], "'five', 'four', 'one', 'six' and 2 more"),
    ],
)
def test_an_unknown_file_is_told_by_what_it_holds(
    names: list[str], kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    save_file({name: torch.ones(2, 2) for name in names}, path)
    message = refused(path)
    assert message.startswith(f"is of no known architecture; it holds {min(names)!r}")
    assert kind in message


def test_an_architecture_with_a_tensor_missing(tmp_path: Path) -> None:
    state = drawn("2x-compact").state_dict()
    del state["body.2.weight"]
    path = tmp_path / "a.pth"
    torch.save(state, path)
    assert refused(path).startswith("seems to be Compact, but is not (")


def changed(tmp_path: Path, name: str, tensor: object) -> Path:
    state = OrderedDict(drawn("2x-compact").state_dict())
    state[name] = tensor
    path = tmp_path / "a.pth"
    torch.save(state, path)
    return path


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_numbers_that_are_none(wrong: float, tmp_path: Path) -> None:
    path = changed(tmp_path, "body.0.bias", torch.full((8,), wrong))
    assert refused(path) == "'body.0.bias' holds numbers that are infinite, or are none"


def test_a_network_that_is_larger_than_its_file(tmp_path: Path) -> None:
    # Widths are taken from this tensor: the network would have 2 * 10**11 numbers.
    path = changed(tmp_path, "body.0.weight", torch.zeros(150_000, 3, 3, 3))
    assert refused(path) == "stands for a network far larger than itself"


def test_layers_without_end(tmp_path: Path) -> None:
    path = changed(tmp_path, "body.999999999.weight", torch.zeros(1))
    assert refused(path) == "'body.999999999.weight' is no name that a network's tensors have"


def test_tensors_that_repeat_one_number(tmp_path: Path) -> None:
    path = changed(tmp_path, "body.0.weight", torch.zeros(1).expand(10**12))
    assert refused(path) == "'body.0.weight' claims more numbers than the file holds"


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(8).to_sparse(),
        torch.zeros(8, device="meta"),
    ],
    ids=["sparse", "without numbers"],
)
def test_tensors_that_are_packed(tensor: torch.Tensor, tmp_path: Path) -> None:
    refused(changed(tmp_path, "body.0.bias", tensor))


def test_tensors_of_eight_bits(tmp_path: Path) -> None:
    state = drawn("2x-compact").state_dict()
    state["body.0.bias"] = state["body.0.bias"].to(torch.float8_e4m3fn)
    torch.save(state, tmp_path / "a.pth")
    assert load_model(tmp_path / "a.pth", 2).scale == 2


def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({1: torch.zeros(2), "body.0.weight": torch.zeros(2)}, path)
    assert refused(path) == "1 is no name that a network's tensors have"
