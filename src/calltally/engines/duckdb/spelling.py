"""Names and texts as DuckDB writes them."""

__all__ = ["quoted", "text"]


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text literal, for what takes no parameters (paths in ATTACH) and for words of the catalog."""
    return "'" + value.replace("'", "''") + "'"
