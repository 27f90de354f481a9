"""The defaults that `vsr train --help` tells are those that a run takes."""

from __future__ import annotations

import re

import click
import pytest

from vsr.cli.train import train_command
from vsr.training.recipe import Recipe
from vsr.training.shapes import LITERATURE_SHAPES, SHAPES

STAGES = ("motion_fraction", "guided_fraction")
TOLD = ("batch", "patch", "lr", "loss", "mse_fraction", "reparam_width", *STAGES)


@pytest.mark.parametrize("field", TOLD)
@pytest.mark.parametrize("name", [name for name in SHAPES if name not in LITERATURE_SHAPES])
def test_the_help_tells_the_default_of_each_network(field: str, name: str) -> None:
    option = next(one for one in train_command.params if one.name == field)
    assert isinstance(option, click.Option)
    assert option.help is not None
    found = re.search(r"\[default: ([^]]*)\]", option.help)
    assert found is not None
    usual, *others = found[1].split("; ")
    told = {one: part.split(": ")[1] for part in others for one in part.split(": ")[0].split(", ")}
    taken = {**{field: getattr(Recipe, field)}, **SHAPES[name].defaults}[field]
    assert type(taken)(told.get(name, usual)) == taken
