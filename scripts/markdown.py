"""Parts of pages that are written from figures."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["table", "wrapped"]

ITEM = re.compile(r" *(-|\d+\.) ")  # of a list
WIDTH = 120


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text, and the others numbers."""
    lines: Iterator[Sequence[str]] = iter([head, ("---", *["---:"] * (len(head) - 1)), *rows])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def wrapped(page: str) -> str:
    """The page with paragraphs and items of lists broken anew into lines, which were too long once numbers were in."""
    done: list[str] = []
    block: list[str] = []
    fenced = False
    for line in page.split("\n"):
        is_fence = line.lstrip().startswith("```")
        stays = fenced or is_fence or not line.strip() or line.startswith(("#", "|"))
        if block and (stays or ITEM.match(line)):
            done.append(_broken(block))
            block = []
        if stays:
            done.append(line)
        else:
            block.append(line)
        fenced ^= is_fence
    return "\n".join([*done, *([_broken(block)] if block else [])])


def _broken(block: Sequence[str]) -> str:
    """Lines that belong together."""
    found = ITEM.match(block[0])
    margin = block[0][: len(block[0]) - len(block[0].lstrip())]
    below = " " * len(found[0]) if found else margin
    text = " ".join(line.strip() for line in block)
    return textwrap.fill(
        text, WIDTH, initial_indent=margin, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )
