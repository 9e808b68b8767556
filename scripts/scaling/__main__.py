"""`python -m scripts.scaling [FIGURES]` writes the page about scaling.

FIGURES is what `python -m benchmarks` wrote, by default `benchmarks/out/figures.json`; the part `scaling` has to be in
it.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.performance import FIGURES, ROOT
from scripts.scaling import page

PAGE = ROOT / "docs" / "scaling.md"


def main(arguments: Sequence[str]) -> None:
    """Write the page."""
    path = Path(arguments[0]) if arguments else FIGURES
    PAGE.write_text(page(json.loads(path.read_text())), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
