"""How commands are grouped and how their help looks."""

from typing import Any

import typer
from typer.core import TyperGroup

from calltally.catalog import suggestion
from calltally.errors import shown

__all__ = ["examples", "new_group"]


class Commands(TyperGroup):
    """A group that answers a misspelt command with the nearest one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments begin with."""
        if args[0] not in self.commands:
            ctx.fail(f"There is no command {shown(args[0])}{suggestion(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


def new_group(about: str, epilog: str) -> typer.Typer:
    """A group to which commands are added."""
    return typer.Typer(cls=Commands, help=about, epilog=epilog, add_completion=False, rich_markup_mode=None)


def examples(*lines: str) -> str:
    """The end of a help text: examples to paste, which are not wrapped."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
