"""The page about scaling, from what the benchmarks measured.

Every number of the page is measured, and then it stands in the figures; or computed here from such numbers, and then
its sum is beside it; or it is the size of something that is planned.
"""

from scripts.markdown import wrapped
from scripts.scaling.advice import LIMITS, REPLICAS, SHARD, WATCHING
from scripts.scaling.choosing import choosing
from scripts.scaling.measured import measured
from scripts.scaling.numbers import Plain, side_of
from scripts.scaling.planned import planned

__all__ = ["page"]

INTRODUCTION = """\
# Scaling

How Calltally grows with the calls, and what one and ten billion of them would take. Each part of this page says which
of three things it is:

- **Measured**: with made-up calls on the machine below, by the command that is named. The numbers are as it wrote them
  into `benchmarks/out/figures.json`; `.venv/bin/python -m scripts.scaling` writes this page from that file.
- **Arithmetic**: computed from measured numbers, with the sum beside it. Nobody has run it.
- **Advice**: neither; what the makers of ClickHouse say, with where, or how Calltally is built.

Nothing here was measured with a billion calls. Before you buy machines, run the command on one of them.

## What was measured
"""


def page(figures: Plain) -> str:
    """The page of a run's figures, which are as `benchmarks.figures` writes them."""
    found = figures["scaling"]
    sizes = sorted(found["sizes"], key=lambda size: -size["calls"])
    limits = LIMITS.format(
        cores=figures["machine"]["cores"],
        cluster_version=side_of(sizes[0], "cluster")["version"],
        calls=f"{sizes[0]['calls']:,}",
    )
    parts = (
        INTRODUCTION,
        measured(figures, found, sizes),
        choosing(sizes[0], figures.get("writing")),
        planned(found, sizes, figures["machine"]["cores"]),
        SHARD,
        REPLICAS,
        WATCHING,
        limits,
    )
    return wrapped("".join(parts))
