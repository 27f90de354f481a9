"""Values that several commands take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

model_option = click.option("-m", "--model", metavar="NAME|FILE", help="See `vsr models`.")
scale_option = click.option(
    "-s",
    "--scale",
    type=click.Choice(["2", "3", "4"]),
    default="4",
    show_default=True,
    help="Factor.",
)
device_option = click.option(
    "-d",
    "--device",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda, cuda:N or several GPUs: cuda:0,cuda:1.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(0), default=0, help="CPU cores to use.  [default: all]"
)
self_ensemble_option = click.option(
    "--self-ensemble", is_flag=True, help="Mean of 8 flips and turns: 8 times the work."
)


class RenamedOption(click.Option):
    """An option that still has an earlier name, which no help shows and stderr tells of."""

    def __init__(self, *args: Any, old: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.old = old

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        parser.add_option(obj=self, opts=[self.old], dest=self._old_place)

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        if self._old_place in opts:
            opts = self._renamed(ctx, dict(opts))
        return super().handle_parse_result(ctx, opts, args)

    @property
    def _old_place(self) -> str:
        return f"{self.name}_by_old_name"

    def _renamed(self, ctx: click.Context, opts: dict[str, Any]) -> dict[str, Any]:
        """What was given by the old name as if by the new one."""
        value, new = opts.pop(self._old_place), max(self.opts, key=len)
        if self.name in opts:
            raise click.UsageError(
                f"{new} and {self.old}, its old name, exclude each other", ctx=ctx
            )
        if not ctx.resilient_parsing:
            click.echo(f"vsr: {self.old} is an old name that will go; use {new}", err=True)
        return {**opts, str(self.name): value}


def listed(models: str) -> list[str]:
    """The names that --models holds. Raises UsageError where one is empty."""
    names = [name.strip() for name in models.split(",")]
    if not all(names):
        raise click.UsageError(f"--models {models!r}: write names or files with commas between")
    return names


def precision_option(default: str) -> Callable[[Command], Command]:
    """--precision, with the command's own default."""
    choices = click.Choice(["auto", "fp32", "bf16", "fp16", "int8"])
    return click.option("--precision", type=choices, default=default, show_default=True)
