"""What a client says of the answer that it wants: which one it has already, and whether it may be compressed."""

import re

from starlette.datastructures import Headers

__all__ = ["has_already", "takes_gzip"]

ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def has_already(headers: Headers, tag: str) -> bool:
    """Whether `If-None-Match` names the answer with this weak tag, so that it need not be sent.

    Example: `"a", W/"b"` names both `W/"a"` and `W/"b"`; `*` names every answer there is.
    """
    given = ",".join(headers.getlist("if-none-match"))
    return bool(given) and (given.strip() == "*" or tag.removeprefix("W/") in ENTITY_TAG.findall(given))


def takes_gzip(headers: Headers) -> bool:
    """Whether `Accept-Encoding` wants gzip at least as much as no compression.

    Example: `gzip`, `*` and `br, gzip;q=0.5` do; nothing, `identity`, `gzip;q=0` and `gzip;q=0.5, identity` do not.
    """
    given = ",".join(headers.getlist("accept-encoding")).lower()
    weights = dict(_weighed(coding) for coding in given.split(",") if coding.strip())
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weighed(coding: str) -> tuple[str, float]:
    """A coding and how much it is wanted, from 0 (not at all) to 1; a weight that cannot be read is none."""
    name, _, weight = (part.strip() for part in coding.partition(";"))
    if not weight:
        return name, 1.0
    found = WEIGHT.fullmatch(weight)
    return name, float(found[1]) if found else 0.0
