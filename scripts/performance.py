"""The page about performance, from what the benchmarks measured: `python -m scripts.performance [FIGURES]` writes it.

FIGURES is what `python -m benchmarks` wrote, by default `benchmarks/out/figures.json`. A part that was not measured is
left out of the page.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["main", "page"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
FIGURES = ROOT / "benchmarks" / "out" / "figures.json"
NAMES = {"csv": "CSV", "ndjson": "NDJSON", "parquet": "Parquet"}

Plain = dict[str, Any]

INTRODUCTION = """\
# Performance

How fast Calltally is, measured with made-up calls on a machine of two cores. Every figure of this page comes from

```sh
make bench
```

which takes well over a quarter of an hour and 12 GB of disk, prints these tables, and writes
`benchmarks/out/figures.json`, from which `.venv/bin/python -m scripts.performance` writes this page.
`.venv/bin/python -m benchmarks --help` has what can be chosen. Machines differ, and so do two runs on one of them: look
at the ratios, which compare within a run.

## What is measured

- **The calls** are made by the benchmark: two years of them, one caller in three a new one, half of the numbers in
  national format, 25 columns.
- **A report** is a full round trip over HTTP on a connection that is kept open: key, question, database, JSON. Before
  every one that is timed, a call is written to the business, so that no answer can come from memory. The median of
  up to 30, the best of 3 rounds.
- **Asked again** is the same question with nothing written in between.
- **The rival** is what somebody could have with the calls and DuckDB alone: plain SQL on one flat table ordered by
  time, two statements a report (the rows, the totals), warm, in the process, without HTTP, each timed one after such a
  write too, since whatever is asked right after a rest takes longer. It has no time zones, no versions of fields and
  nobody to keep apart.
- **An import** is the whole command `calltally import`, its start and end included, into a new business. Of 10 million
  calls it is measured once.
"""
MEASURED = {
    "writing": """\
- **Calls sent in** are acknowledged: committed and synced. Clients run on the same two cores, in a process of their own
  that sends bytes put together before; the tables say how much of a core it took. After each round the business has to
  have as many calls more as were acknowledged. Every field is sent, as null where a call has none.
""",
    "lists": """\
- **A list** is the first page of `GET /api/v1/calls` over HTTP. Its rival is the same question in SQL on the same file,
  through the Python driver, without a server; it has to give the same calls.
""",
    "pages": """\
- **A page** is timed by the browser, headless Chromium on the same two cores, from the navigation, or from the change
  of a filter, until all that it shows is painted. A call is written before each. A first visit has an empty cache; a
  second one has to find every script and style there.
""",
}
MEMORY = "- **Memory** is the most that the process held (`VmHWM`).\n"
HOW = """\
How it comes to this: the calls are read once a report; callers are counted as bits of a set; days, weeks and hours come
from one small number a call; few groups are put in order outside the database; see
[Decisions](decisions.md#how-it-is-built).
"""
STARTING = "About two thirds of a second of each is the start of the command.\n"
SINGLES = """\
What a busy business needs is 2,000 acknowledged calls a second, 99 of 100 of them within 250 ms. `into` is what the
business has before.
"""
BULK = """\
What moves a history over HTTP in minutes: 50,000 calls a second in arrays, 80,000 in a stream, with at most 300 MB.
"""
CORRECTIONS = "A vendor that scores calls later should have its scores merged within 50 ms.\n"
BESIDE = """\
Reports should take at most three times as long while 1,000 calls a second come in one by one. Here a call is written
before each report as well, in both columns.
"""
PAGES = "All should be painted within a second of a navigation, and within 300 ms of the change of a filter.\n"
LISTS = "A page should take at most twice as long as the database alone.\n"


def main(arguments: Sequence[str]) -> None:
    """Write the page."""
    path = Path(arguments[0]) if arguments else FIGURES
    PAGE.write_text(page(json.loads(path.read_text())), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


def page(figures: Plain) -> str:
    """The page of a run's figures, which are as `benchmarks.figures` writes them."""
    parts = {
        "reports": lambda found: _by_size("Reports", found, _reports, HOW),
        "lists": _lists,
        "pages": _pages,
        "writing": _writing,
        "imports": lambda found: _by_size("Imports", found, _imports, STARTING),
        "demo": _idle,
    }
    measured = "".join(text for part, text in MEASURED.items() if figures[part])
    sections = [INTRODUCTION + measured + MEMORY, _machine(figures["machine"])]
    sections += [write(figures[part]) for part, write in parts.items() if figures[part]]
    return "\n".join(sections)


def _machine(machine: Plain) -> str:
    return (
        f"The machine: {machine['cores']} cores, {machine['system']}, Python {machine['python']}, "
        f"DuckDB {machine['duckdb']}.\n"
    )


def _by_size(title: str, sizes: Iterable[Plain], section: Callable[[Plain], str], ending: str) -> str:
    """A section for each size of business, the largest first."""
    found = sorted(sizes, key=lambda size: -size["calls"])
    sections = [f"### {size['calls']:,} calls\n\n{section(size)}" for size in found]
    return "\n".join([f"## {title}\n", *sections, ending])


def _reports(size: Plain) -> str:
    rows = [
        (r["title"], f"{r['ms']:.1f}", f"{r['rival_ms']:.1f}", f"{r['ratio']:.2f}", f"{r['again_ms']:.2f}")
        for r in size["reports"]
    ]
    zones = size["time_zones"]
    return _table(("Report", "ms", "rival, ms", "ratio", "asked again, ms"), rows) + (
        f"\nAn empty route of the same server takes {size['empty_route_ms']:.2f} ms. A report by day over all calls "
        f"takes {zones['utc_ms']:.1f} ms for a business in UTC and\n{zones['new_york_ms']:.1f} ms for one in New York "
        f"(ratio {zones['ratio']:.2f}). The server held {size['peak_mb']:,.0f} MB at most.\n"
    )


def _imports(size: Plain) -> str:
    rows = [
        (NAMES[f["format"]], f"{f['calls_a_second']:,.0f}", f"{f['seconds']:.1f}", f"{f['peak_mb']:,.0f} MB")
        for f in size["files"]
    ]
    return _table(("File", "calls a second", "seconds", "most memory"), rows)


def _lists(found: Plain) -> str:
    rows = [(r["title"], f"{r['ms']:.1f}", f"{r['rival_ms']:.1f}", f"{r['ratio']:.2f}") for r in found["lists"]]
    table = _table(("List", "ms", "rival, ms", "ratio"), rows)
    return f"## Lists\n\nPages of {found['page']} of {found['calls']:,} calls. {LISTS}\n{table}"


def _pages(found: Plain) -> str:
    rows = [
        (p["title"], *(f"{p[kind]:.0f}" for kind in ("first_ms", "again_ms", "filtered_ms"))) for p in found["pages"]
    ]
    table = _table(("Page", "first visit, ms", "second visit, ms", "other filter, ms"), rows)
    sizes = (
        f"Compressed, our scripts and styles are {found['own_kb']:.0f} kB, and Vega's is {found['vega_kb']:.0f} kB.\n"
    )
    return f"## Pages\n\nThe page of reports about {found['calls']:,} calls. {PAGES}\n{table}\n{sizes}"


def _writing(found: Plain) -> str:
    sections = [_singles(found["posts"]), _bulk(found), _corrections(found["corrections"]), _beside(found["beside"])]
    return "\n".join(["## Calls sent in\n", *sections])


def _singles(posts: Sequence[Plain]) -> str:
    rows = [
        (
            p["into"],
            f"{p['calls_a_second']:,.0f}",
            f"{p['median_ms']:.0f}",
            f"{p['p99_ms']:.0f}",
            f"{p['client_share']:.0%}",
        )
        for p in posts
    ]
    table = _table(("into", "calls a second", "median, ms", "99 % within, ms", "client, of a core"), rows)
    return f"### Single calls, {posts[0]['connections']} connections\n\n{SINGLES}\n{table}"


def _bulk(found: Plain) -> str:
    batches, stream = found["batches"], found["stream"]
    arrays = f"arrays of {batches['batch']:,}, {batches['connections']} connections"
    kinds = ((arrays, batches), (f"one stream of {stream['calls']:,}", stream))
    rows = [(what, f"{kind['calls_a_second']:,.0f}", f"{kind['client_share']:.0%}") for what, kind in kinds]
    table = _table(("body", "calls a second", "client, of a core"), rows)
    memory = f"The server that took the streams held {stream['peak_mb']:,.0f} MB at most.\n"
    return f"### Many at once\n\n{BULK}\n{table}\n{memory}"


def _corrections(found: Plain) -> str:
    return (
        f"### Corrections\n\n{CORRECTIONS}\nAn array of {found['corrections']:,} scores, of calls at random in a "
        f"business of {found['calls']:,},\nis acknowledged after {found['ms']:.0f} ms.\n"
    )


def _beside(found: Plain) -> str:
    rows = [(r["title"], f"{r['idle_ms']:.1f}", f"{r['busy_ms']:.1f}", f"{r['ratio']:.2f}") for r in found["reports"]]
    table = _table(("Report", "idle, ms", "while calls come in, ms", "ratio"), rows)
    rate = (
        f"{found['connections']} connections had {found['posts_a_second']:,.0f} calls a second acknowledged meanwhile, "
        f"with {found['client_share']:.0%} of a core.\n"
    )
    return f"### Reports over {found['calls']:,} calls meanwhile\n\n{BESIDE}\n{table}\n{rate}"


def _idle(demo: Plain) -> str:
    return (
        "## Idle\n\nA server with the year of calls of `make demo`, ten seconds after its start, held "
        f"{demo['started_again_mb']:.0f} MB, and {demo['calls_made_mb']:.0f} MB where it had just\nmade them.\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text, and the others numbers."""
    lines: Iterator[Sequence[str]] = iter([head, ("---", *["---:"] * (len(head) - 1)), *rows])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])
