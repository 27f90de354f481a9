"""Options that have another name than they had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click


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
