"""How commands are grouped and how their help looks."""

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from calltally.catalog import suggestion
from calltally.errors import shown

__all__ = ["AS_JSON", "examples", "new_group"]

AS_JSON = "calltally.as_json"  # in what a context knows: whether one JSON value is wanted


TYPE_OF_ARGUMENT = re.compile(r" <.*>$")


class Command(TyperCommand):
    """A command whose help shows arguments as they are typed: `FILE...`, without braces and the name of a type."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What follows the command in the line of usage."""
        return [re.sub(r"^\{(.*)\}", r"\1", piece) for piece in super().collect_usage_pieces(ctx)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; an option that ends the command before others are read knows of `--json` all the same."""
        ctx.meta[AS_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of arguments and options."""
        params = [(param.param_type_name, param.get_help_record(ctx)) for param in self.get_params(ctx)]
        for kind in ("argument", "option"):
            records = [record for its_kind, record in params if its_kind == kind and record]
            if records:
                with formatter.section(f"{kind.title()}s"):
                    formatter.write_dl([(TYPE_OF_ARGUMENT.sub("", name), about) for name, about in records])


class App(typer.Typer):
    """A group under construction, whose commands are all of our kind."""

    def command(self, name: str | None = None, **settings: Any) -> Any:
        """Adds a function as a command."""
        return super().command(name, **{"cls": Command, **settings})


class Commands(TyperGroup):
    """A group that answers a misspelt command with the nearest one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments begin with."""
        if args[0] not in self.commands:
            ctx.fail(f"There is no command {shown(args[0])}{suggestion(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


def new_group(about: str, epilog: str) -> typer.Typer:
    """A group to which commands are added."""
    return App(cls=Commands, help=about, epilog=epilog, add_completion=False, rich_markup_mode=None)


def examples(*lines: str) -> str:
    """The end of a help text: examples to paste, which are not wrapped."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
