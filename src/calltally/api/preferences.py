"""What a client says of the answer that it wants: of which type, whether compressed, and which one it has already."""

import re
from collections.abc import Sequence

from starlette.datastructures import Headers

__all__ = ["has_already", "preferred", "takes_gzip", "wanted_alone"]

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
    weights = _weights(headers.getlist("accept-encoding"))
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def preferred(headers: Headers, offered: Sequence[str]) -> str:
    """Which of the offered media types `Accept` wants most; the first of them where it does not say.

    Example: of JSON and CSV, `text/csv` and `text/*;q=0.9, */*;q=0.1` want CSV, and `*/*` and `image/png` get JSON.
    """
    weights = _weights(headers.getlist("accept"))
    ranges = {kind: (kind, f"{kind.partition('/')[0]}/*", "*/*") for kind in offered}
    return max(offered, key=lambda kind: next((weights[name] for name in ranges[kind] if name in weights), 0.0))


def wanted_alone(headers: Headers) -> str | None:
    """The one media type that `Accept` names, without its parameters; None where it names several or none.

    Example: `image/png` and `text/csv; charset=utf-8` are alone; `text/csv, */*;q=0.1` and `image/png;q=0` want none
    alone.
    """
    match [kind for kind, weight in _weights(headers.getlist("accept")).items() if weight > 0]:
        case [kind]:
            return kind
        case _:
            return None


def _weights(given: Sequence[str]) -> dict[str, float]:
    """How much each of the things that a header lists is wanted."""
    return dict(_weighed(each) for each in ",".join(given).lower().split(",") if each.strip())


def _weighed(each: str) -> tuple[str, float]:
    """A thing and how much it is wanted, from 0 (not at all) to 1; a weight that cannot be read is none."""
    name, *parameters = (part.strip() for part in each.split(";"))
    weights = [part for part in parameters if part and (part.startswith("q") or "=" not in part)]
    if not weights:
        return name, 1.0
    found = WEIGHT.fullmatch(weights[0])
    return name, float(found[1]) if found else 0.0
