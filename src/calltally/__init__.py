"""Calltally: a self-hosted analytics server for phone calls."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("calltally")
