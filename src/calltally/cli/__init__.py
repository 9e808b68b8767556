"""The command line."""

from calltally.cli.app import main

__all__ = ["main"]
