"""Values of JSON inside one another: what is read can be too deep to be written again, or told."""

__all__ = ["cut_deep", "is_deep"]

MOST_LEVELS = 100  # of the 250 or so that can be written; a thousand can be read
INSTEAD = "..."


def is_deep(value: object) -> bool:
    """Whether lists and objects are inside one another on more levels than are written."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def cut_deep(value: object, levels: int = MOST_LEVELS) -> object:
    """The value, with `...` for every list and object beyond so many levels."""
    if not isinstance(value, list | dict):
        return value
    if not levels:
        return INSTEAD
    if isinstance(value, list):
        return [cut_deep(inner, levels - 1) for inner in value]
    return {name: cut_deep(inner, levels - 1) for name, inner in value.items()}


def _inside(value: object) -> list[object]:
    """What is in a list or an object."""
    match value:
        case list():
            return value
        case dict():
            return list(value.values())
    return []
