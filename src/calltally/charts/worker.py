"""The process that draws: reads what to draw from its standard input, writes pictures to its standard output.

It is run by its path and imports nothing of ours, so that it holds Vega and nothing else, and the server holds no Vega.
It ends with its input: when whoever started it closes that, or dies. A request is a line, a kind and what to draw; an
answer is a line, `ok` or `no` and a number of bytes, and then these.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from html import escape

import vl_convert

__all__ = ["main"]

VERSION = "6.4"  # of Vega-Lite
NOWHERE: list[str] = []  # the addresses that a chart may load something from
FOR_PAGES = "window.vegaEmbed = vegaEmbed;"  # what the script gives to a page
SCALE = 2  # pixels of a PNG for each of the chart
# To shorten a label, Vega may cut a letter of two UTF-16 units in half, and then the width of that half is asked for.
HALVED = "hex escape"
OF_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")
SHOWN_INSTEAD = "\ufffd"


def main() -> None:
    """Draw until there is nothing more to read."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin.buffer:
        kind, _, given = line.decode().partition(" ")
        try:
            word, drawn = "ok", _drawn(KINDS[kind], given)
        except ValueError as error:
            word, drawn = "no", str(error).encode()
        answers.write(f"{word} {len(drawn)}\n".encode() + drawn)
        answers.flush()


def _drawn(draw: Callable[[str], bytes], given: str) -> bytes:
    """The picture; where it fails since a letter was cut in half, one without such letters."""
    try:
        return draw(given)
    except ValueError as error:
        if HALVED not in str(error):
            raise
    return draw(OF_TWO_UNITS.sub(SHOWN_INSTEAD, json.dumps(json.loads(given), ensure_ascii=False)))


def _svg(specification: str) -> bytes:
    """The picture, with the chart's description for those who cannot see it."""
    drawn = vl_convert.vegalite_to_svg(specification, vl_version=VERSION, allowed_base_urls=NOWHERE)
    described = escape(json.loads(specification)["description"])
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{described}" ', 1).encode()


def _png(specification: str) -> bytes:
    return vl_convert.vegalite_to_png(specification, vl_version=VERSION, scale=SCALE, allowed_base_urls=NOWHERE)


def _script(_: str) -> bytes:
    """Vega, Vega-Lite and Vega-Embed in one file, which sets `vegaEmbed` on the window."""
    return vl_convert.javascript_bundle(FOR_PAGES, vl_version=VERSION).encode()


KINDS: dict[str, Callable[[str], bytes]] = {"svg": _svg, "png": _png, "script": _script}

if __name__ == "__main__":
    main()
