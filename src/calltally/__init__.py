"""Calltally: a self-hosted analytics server for phone calls."""

__version__: str


def __getattr__(name: str) -> str:
    """The version, once it is asked for: what finds it out takes longer than all else until Ctrl-C is heeded."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import version  # noqa: PLC0415 - only now

    return version("calltally")
