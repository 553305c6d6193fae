"""Groups of commands in which one is the default."""

from typing import Any

from typer import core


class DefaultGroup(core.TyperGroup):
    """`docstore GROUP ARGUMENTS` is `docstore GROUP DEFAULT ARGUMENTS`; another command's name comes first."""

    default = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = [self.default, *args]
        return super().parse_args(ctx, args)
