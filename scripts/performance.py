"""The page about performance, from what the benchmarks measured: `python -m scripts.performance [FIGURES]` writes it.

FIGURES is what `python -m benchmarks` wrote, by default `benchmarks/out/figures.json`. A part that was not measured is
left out of the page.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from calltally.cli.output import counted
from scripts.markdown import table

__all__ = ["main", "page"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
FIGURES = ROOT / "benchmarks" / "out" / "figures.json"
PEERS = {"duckdb": "DuckDB", "chdb": "chDB", "postgres": "PostgreSQL"}
NAMES = {"csv": "CSV", "ndjson": "NDJSON", "parquet": "Parquet"}

Plain = dict[str, Any]

INTRODUCTION = """\
# Performance

How fast Calltally is, measured with made-up calls on a machine of two cores. Every figure of this page comes from

```sh
make bench
```

which takes over an hour and 20 GB of disk, prints these tables, and writes `benchmarks/out/figures.json`, from which
`.venv/bin/python -m scripts.performance` writes this page. Each section names the part that measures it alone.
`.venv/bin/python -m benchmarks --help` has what can be chosen. Machines differ, and so do two runs on one of them: look
at the ratios, which compare within a run. A run may be shorter, of fewer rounds, peers and calls: what it left out is
not on the page. How it grows beyond that, and on a cluster, is in [Scaling](scaling.md).

## What is measured

- **The calls** are made by the benchmark: two years of them, one caller in three a new one, half of the numbers in
  national format, 25 columns.
- **A report** is a full round trip over HTTP on a connection that is kept open: key, question, columns, JSON. Before
  every one that is timed, a call is sent to the business, so that no answer can be one of before; all came from columns
  in memory, by what the server says. The median of up to 30, the best of {rounds}.
- **Counted anew** is the same by a server that keeps nothing of what it has counted
  (`CALLTALLY_CACHE_MEGABYTES=0`), as it takes where a question is asked for the first time. Else only what has come in
  since the question was last asked is counted, which here is a call.
- **Asked again** is the same question with nothing written in between.
- **Peers** are what a good team would write for these reports: FastAPI with DuckDB, with ClickHouse as a library
  (chDB), and with PostgreSQL 15, each a small service under `benchmarks/peers` with one table, the indexes that it
  needs, plain SQL and orjson. They have the same calls, have to give the same answers before the clock runs, and take
  a call before every timed report too. They have no time zones, no versions of fields and nobody to keep apart. What
  takes a peer over two seconds is timed once. The ratio is to the best of them.
- **The least time** of a report that is counted anew is that of reading the columns that it is about once, where its
  calls are, as fast as all cores together read memory, which is measured by adding up numbers.
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
How it comes to this: columns of small numbers in memory are read once a report, in stretches that stay in a core's own
cache; what has few values is counted together, in one loop; callers are counted as bits of a set; days, weeks and hours
come from tables of the instants at which they change; only the groups that are shown are worked out in full; and what
was counted of a question is kept, so that the next time only what has changed is, save where a caller may be gone or
there are very many groups; see [Decisions](decisions.md#how-it-is-built).
"""
RATES = """\
Many connections ask for the same report at once, `CALLTALLY_CACHE_MEGABYTES=0` so that nothing is given again, and a
call is sent every second.
"""
CORRECTED = """\
Reports should take at most twice as long while scores of a thousand calls a second come in, in arrays of a hundred. A
call is sent before each report as well, in both columns.
"""
COLUMNS = """\
Of a call at most 64 bytes are kept, and the columns of 10 million calls should be built from the database's file in
less than five seconds.
"""
LEAST = """\
How far each report that is counted anew is from the least time in which its columns could be read, with all that is
around it: HTTP, the key, the call that has just come in, JSON.
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
    parts: dict[str, Callable[[Any], str]] = {
        "reports": _all_reports,
        "lists": _lists,
        "pages": _pages,
        "writing": _writing,
        "imports": lambda found: _by_size("Imports", found, _imports, STARTING),
        "demo": _idle,
    }
    measured = "".join(text for part, text in MEASURED.items() if figures[part])
    sections = [
        INTRODUCTION.format(rounds=counted(figures["rounds"], "round")) + measured + MEMORY,
        _machine(figures["machine"]),
    ]
    sections += [write(figures[part]) + _command(part) for part, write in parts.items() if figures[part]]
    return "\n".join(sections)


def _command(part: str) -> str:
    """What measures a part of the page alone."""
    return f"\nMeasured by `.venv/bin/python -m benchmarks --only {part}`.\n"


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


def _all_reports(sizes: Sequence[Plain]) -> str:
    small = [size for size in sizes if size["rates"]]
    return "\n".join(
        [
            _by_size("Reports", sizes, _reports, HOW),
            *(f"## Reports to many at once\n\n{RATES}\n{_rates(size)}" for size in small),
            f"## Reports while calls are corrected\n\n{CORRECTED}\n{_corrected(sizes)}",
            f"## Columns in memory\n\n{COLUMNS}\n{_columns(sizes)}",
            f"## The least time\n\n{LEAST}\n{_least(sizes)}",
        ]
    )


def _reports(size: Plain) -> str:
    peers = [peer["name"] for peer in size["reports"][0]["peers"]]
    rows = [
        (
            r["title"],
            f"{r['ms']:.2f}",
            *(f"{peer['ms']:,.1f}" for peer in r["peers"]),
            *([f"{r['ratio']:.3f}"] if peers else []),
            f"{r['anew_ms']:.2f}",
            *([f"{r['anew_ratio']:.3f}"] if peers else []),
            f"{r['again_ms']:.2f}",
        )
        for r in size["reports"]
    ]
    ratio = ["ratio"] if peers else []
    head = ("Report", "ms", *(f"{PEERS[name]}, ms" for name in peers), *ratio, "anew, ms", *ratio, "again, ms")
    zones, month = size["time_zones"], size["month"]
    empty = (
        f"{size['empty_route_ms']:.2f} ms right after a call was written, {size['empty_route_again_ms']:.2f} ms again"
    )
    moved = f"{zones['utc_ms']:.2f} ms in UTC, {zones['new_york_ms']:.2f} ms in New York (ratio {zones['ratio']:.2f})"
    alone = f"{month['alone_ms']:.2f} ms where there is nothing else (ratio {month['ratio']:.2f}, at most 2)"
    said = [
        f"An empty route of the same server takes {empty}.",
        f"By day over all calls, counted anew: {moved}.",
        f"Campaigns of one month, counted anew: {month['whole_ms']:.2f} ms among two years, {alone}.",
        f"The server held {size['peak_mb']:,.0f} MB at most.",
    ]
    if peers:
        together = f"The first six together take {size['sum_ratio']:.3f} of the best peer's time"
        said.insert(0, f"{together}, counted anew {size['anew_sum_ratio']:.3f}.")
    return table(head, rows) + "\n" + "".join(f"- {sentence}\n" for sentence in said)


def _rates(size: Plain) -> str:
    peers = [peer["name"] for peer in size["rates"][0]["peers"]]
    rows = [
        (
            r["title"],
            f"{r['answers_a_second']:,.0f}",
            *(f"{peer['answers_a_second']:,.0f}" for peer in r["peers"]),
            *([f"{r['ratio']:.2f}"] if peers else []),
            f"{r['client_share']:.0%}",
        )
        for r in size["rates"]
    ]
    names = (*(PEERS[name] for name in peers), *(["ratio"] if peers else []))
    shown = table(("Report", "answers a second", *names, "client, of a core"), rows)
    return f"{size['rates'][0]['connections']} connections, {size['calls']:,} calls:\n\n{shown}"


def _corrected(sizes: Sequence[Plain]) -> str:
    rows = [
        (r["title"], f"{size['calls']:,}", f"{r['idle_ms']:.2f}", f"{r['busy_ms']:.2f}", f"{r['ratio']:.2f}")
        for size in sizes
        for r in size["corrected"]["reports"]
    ]
    shown = table(("Report", "calls", "idle, ms", "while calls are corrected, ms", "ratio"), rows)
    said = "".join(
        f"Of {size['calls']:,} calls {size['corrected']['corrections_a_second']:,.0f} a second were corrected, and "
        f"{size['corrected']['from_columns']:.0%} of the reports came from columns.\n"
        for size in sizes
    )
    return f"{shown}\n{said}"


def _columns(sizes: Sequence[Plain]) -> str:
    rows = [
        (
            f"{size['calls']:,}",
            f"{size['columns']['build_seconds']:.2f}",
            f"{size['columns']['bytes_a_call']:.1f}",
            " + ".join(f"{part['bytes_a_call']:.1f} {part['name']}" for part in size["columns"]["parts"]),
        )
        for size in sizes
    ]
    return table(("calls", "seconds", "bytes a call", "of which"), rows)


def _least(sizes: Sequence[Plain]) -> str:
    rows = [
        (
            r["title"],
            f"{size['calls']:,}",
            f"{r['read_mb']:.1f}",
            f"{r['least_ms']:.2f}",
            f"{r['anew_ms']:.2f}",
            f"{r['times_least']:.1f}",
        )
        for size in sizes
        for r in size["reports"]
    ]
    shown = table(("Report", "calls", "columns, MB", "least, ms", "anew, ms", "times the least"), rows)
    fastest = max(size["gigabytes_a_second"] for size in sizes)
    return f"{shown}\nMemory is read at {fastest:.1f} GB a second.\n"


def _imports(size: Plain) -> str:
    rows = [
        (NAMES[f["format"]], f"{f['calls_a_second']:,.0f}", f"{f['seconds']:.1f}", f"{f['peak_mb']:,.0f} MB")
        for f in size["files"]
    ]
    return table(("File", "calls a second", "seconds", "most memory"), rows)


def _lists(found: Plain) -> str:
    rows = [(r["title"], f"{r['ms']:.1f}", f"{r['rival_ms']:.1f}", f"{r['ratio']:.2f}") for r in found["lists"]]
    shown = table(("List", "ms", "rival, ms", "ratio"), rows)
    return f"## Lists\n\nPages of {found['page']} of {found['calls']:,} calls. {LISTS}\n{shown}"


def _pages(found: Plain) -> str:
    rows = [
        (p["title"], *(f"{p[kind]:.0f}" for kind in ("first_ms", "again_ms", "filtered_ms"))) for p in found["pages"]
    ]
    shown = table(("Page", "first visit, ms", "second visit, ms", "other filter, ms"), rows)
    sizes = (
        f"Compressed, our scripts and styles are {found['own_kb']:.0f} kB, and Vega's is {found['vega_kb']:.0f} kB.\n"
    )
    return f"## Pages\n\nThe page of reports about {found['calls']:,} calls. {PAGES}\n{shown}\n{sizes}"


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
    shown = table(("into", "calls a second", "median, ms", "99 % within, ms", "client, of a core"), rows)
    return f"### Single calls, {posts[0]['connections']} connections\n\n{SINGLES}\n{shown}"


def _bulk(found: Plain) -> str:
    batches, stream = found["batches"], found["stream"]
    arrays = f"arrays of {batches['batch']:,}, {batches['connections']} connections"
    kinds = ((arrays, batches), (f"one stream of {stream['calls']:,}", stream))
    rows = [(what, f"{kind['calls_a_second']:,.0f}", f"{kind['client_share']:.0%}") for what, kind in kinds]
    shown = table(("body", "calls a second", "client, of a core"), rows)
    memory = f"A server held {stream['peak_mb']:,.0f} MB at most while it took a stream.\n"
    return f"### Many at once\n\n{BULK}\n{shown}\n{memory}"


def _corrections(found: Plain) -> str:
    return (
        f"### Corrections\n\n{CORRECTIONS}\nAn array of {found['corrections']:,} scores, of calls at random in a "
        f"business of {found['calls']:,},\nis acknowledged after {found['ms']:.0f} ms.\n"
    )


def _beside(found: Plain) -> str:
    rows = [(r["title"], f"{r['idle_ms']:.1f}", f"{r['busy_ms']:.1f}", f"{r['ratio']:.2f}") for r in found["reports"]]
    shown = table(("Report", "idle, ms", "while calls come in, ms", "ratio"), rows)
    rate = (
        f"{found['connections']} connections had {found['posts_a_second']:,.0f} calls a second acknowledged meanwhile, "
        f"with {found['client_share']:.0%} of a core.\n"
    )
    return f"### Reports over {found['calls']:,} calls meanwhile\n\n{BESIDE}\n{shown}\n{rate}"


def _idle(demo: Plain) -> str:
    return (
        "## Idle\n\nA server with the year of calls of `make demo`, ten seconds after its start, held "
        f"{demo['started_again_mb']:.0f} MB, and {demo['calls_made_mb']:.0f} MB where it had just\nmade them. "
        f"Ten seconds after its reports were asked for, it held {demo['columns_mb']:.0f} MB, having answered from "
        "columns; "
        f"{demo['switched_off_mb']:.0f} MB with\n`CALLTALLY_HOT_MEMORY=0`; and {demo['without_numba_mb']:.0f} MB where "
        "Numba is not installed. It should be less than 350 MB, and without Numba\nless than 200 MB.\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
