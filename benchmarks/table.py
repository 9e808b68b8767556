"""The figures as people read them."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table

from benchmarks.figures import (
    BesideFigure,
    BesideReport,
    Figures,
    ListFigures,
    PagesFigures,
    ScalingFigures,
    SizeImports,
    SizeReports,
    SizeScaling,
    WritingFigures,
)

__all__ = ["print_figures"]


def print_figures(figures: Figures, console: Console) -> None:
    """Print everything that was measured."""
    machine = figures.machine
    console.print(
        f"{machine.cores} cores, Python {machine.python}, DuckDB {machine.duckdb}, Calltally {machine.calltally}; "
        f"load before: {machine.load:.1f}; best of {figures.rounds} rounds",
        soft_wrap=True,
    )
    for table in _tables(figures):
        console.print(table)
    if demo := figures.demo:
        console.print(
            f"Idle with the demo's calls: {demo.started_again_mb:.0f} MB "
            f"({demo.calls_made_mb:.0f} MB having made them); "
            f"after reports from columns {demo.columns_mb:.0f} MB, "
            f"with these switched off {demo.switched_off_mb:.0f} MB, without Numba {demo.without_numba_mb:.0f} MB",
            soft_wrap=True,
        )


def _tables(figures: Figures) -> Iterator[Table]:
    yield from map(_imports, figures.imports or ())
    for size in figures.reports or ():
        yield _reports(size)
        yield _corrected(size)
        if size.rates:
            yield _rates(size)
    if figures.writing:
        yield _writing(figures.writing)
        yield _beside(figures.writing.beside)
    if figures.lists:
        yield _lists(figures.lists)
    if figures.pages:
        yield _pages(figures.pages)
    if figures.scaling:
        for found in figures.scaling.sizes:
            yield from (_scaling(found), _scaling_rates(found), _sides(found))
        if figures.scaling.growth:
            yield _growth(figures.scaling)


def _imports(size: SizeImports) -> Table:
    table = _table(f"Import of {size.calls:,} calls", "File", "Calls/s", "Seconds", "Peak memory")
    for found in size.files:
        table.add_row(found.format, f"{found.calls_a_second:,.0f}", f"{found.seconds:.1f}", f"{found.peak_mb:,.0f} MB")
    return table


def _reports(size: SizeReports) -> Table:
    peers = [peer.name for peer in size.reports[0].peers]
    names = (f"{peer}, ms" for peer in peers)
    table = _table(
        f"Reports over {size.calls:,} calls",
        "Report",
        "ms",
        *names,
        "Ratio",
        "Anew ms",
        "Ratio",
        "Times least",
        "Again ms",
    )
    for found in size.reports:
        theirs = (f"{peer.ms:.1f}" for peer in found.peers)
        anew = (f"{found.anew_ms:.2f}", _ratio(found.anew_ratio), f"{found.times_least:.1f}")
        table.add_row(found.title, f"{found.ms:.2f}", *theirs, _ratio(found.ratio), *anew, f"{found.again_ms:.2f}")
    table.add_section()
    blank = [""] * len(peers)
    zones, month = size.time_zones, size.month
    table.add_row("The first six together", "", *blank, _ratio(size.sum_ratio), "", _ratio(size.anew_sum_ratio))
    table.add_row("By day, in UTC", f"{zones.utc_ms:.2f}")
    table.add_row("By day, in New York (ratio: to UTC)", f"{zones.new_york_ms:.2f}", *blank, _ratio(zones.ratio))
    table.add_row("A month of a business with nothing else", f"{month.alone_ms:.2f}")
    table.add_row("A month of two years (ratio: to alone)", f"{month.whole_ms:.2f}", *blank, _ratio(month.ratio))
    again = f"{size.empty_route_again_ms:.2f}"
    table.add_row("Empty route", f"{size.empty_route_ms:.2f}", *blank, "", "", "", "", again)
    columns = size.columns
    parts = " + ".join(f"{part.bytes_a_call:.1f} {part.name}" for part in columns.parts)
    table.caption = (
        f"Peak memory of the server: {size.peak_mb:,.0f} MB. Columns: built in {columns.build_seconds:.2f} s, "
        f"{columns.bytes_a_call:.1f} bytes a call: {parts}. Memory is read at {size.gigabytes_a_second:.1f} GB/s."
    )
    return table


def _rates(size: SizeReports) -> Table:
    peers = [peer.name for peer in size.rates[0].peers]
    title = f"Answers a second to {size.rates[0].connections} connections, {size.calls:,} calls"
    table = _table(title, "Report", "Answers", *peers, "Ratio", "Client, of a core")
    for found in size.rates:
        theirs = (f"{peer.answers_a_second:,.0f}" for peer in found.peers)
        table.add_row(
            found.title, f"{found.answers_a_second:,.0f}", *theirs, _ratio(found.ratio), f"{found.client_share:.0%}"
        )
    return table


def _corrected(size: SizeReports) -> Table:
    found = size.corrected
    title = f"Reports over {size.calls:,} calls beside {found.corrections_a_second:,.0f} corrections a second"
    table = _beside_table(title, found.reports)
    table.caption = f"{found.from_columns:.0%} of the reports meanwhile came from columns"
    return table


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}"


def _writing(found: WritingFigures) -> Table:
    table = _table("Calls over HTTP", "What", "Calls/s", "ms", "99 % within, ms", "Client, of a core")
    for posts in found.posts:
        times = f"{posts.median_ms:.0f}", f"{posts.p99_ms:.0f}"
        what = f"{posts.connections} connections, single calls, into {posts.into}"
        table.add_row(what, f"{posts.calls_a_second:,.0f}", *times, f"{posts.client_share:.0%}")
    for what, rate, share in (
        (f"Arrays of {found.batches.batch:,}", found.batches.calls_a_second, found.batches.client_share),
        (f"A stream of {found.stream.calls:,}", found.stream.calls_a_second, found.stream.client_share),
    ):
        table.add_row(what, f"{rate:,.0f}", "", "", f"{share:.0%}")
    fixed = found.corrections
    table.add_row(f"{fixed.corrections:,} corrections of {fixed.calls:,} calls", "", f"{fixed.ms:.0f}", "", "")
    table.caption = f"Peak memory of the server that took the stream: {found.stream.peak_mb:,.0f} MB"
    return table


def _beside(found: BesideFigure) -> Table:
    title = f"Reports over {found.calls:,} calls beside {found.posts_a_second:,.0f} posts a second"
    return _beside_table(title, found.reports)


def _beside_table(title: str, reports: Iterable[BesideReport]) -> Table:
    table = _table(title, "Report", "Idle ms", "ms", "Ratio")
    for report in reports:
        table.add_row(report.title, f"{report.idle_ms:.1f}", f"{report.busy_ms:.1f}", f"{report.ratio:.2f}")
    return table


def _lists(found: ListFigures) -> Table:
    table = _table(f"Pages of {found.page} of {found.calls:,} calls", "List", "ms", "Rival ms", "Ratio")
    for page in found.lists:
        table.add_row(page.title, f"{page.ms:.1f}", f"{page.rival_ms:.1f}", f"{page.ratio:.2f}")
    return table


def _pages(found: PagesFigures) -> Table:
    title = f"Pages about {found.calls:,} calls, ms until painted"
    table = _table(title, "Page", "First visit", "Second visit", "Other filter")
    for page in found.pages:
        table.add_row(page.title, f"{page.first_ms:.0f}", f"{page.again_ms:.0f}", f"{page.filtered_ms:.0f}")
    table.caption = f"Scripts and styles: {found.own_kb:.0f} kB, and {found.vega_kb:.0f} kB of Vega"
    return table


def _scaling(size: SizeScaling) -> Table:
    sides = [side.name for side in size.sides]
    table = _table(f"Reports over {size.calls:,} calls on all engines, ms", "Report", "Calls in range", *sides)
    for report in size.reports:
        table.add_row(report.title, f"{report.calls:,}", *(f"{time.ms:,.1f}" for time in report.sides))
    table.add_row("About days without calls", "0", *(f"{side.nothing_ms:,.1f}" for side in size.sides))
    table.caption = (
        f"Imported: {size.import_calls_a_second:,.0f} calls/s. Backup of the file: {size.backup_seconds:.1f} s. "
        f"Columns: built in {size.columns_seconds:.2f} s, {size.columns_bytes_a_call:.1f} bytes a call in memory."
    )
    return table


def _scaling_rates(size: SizeScaling) -> Table:
    title = f"Millions of calls in the range by second and core, of {size.calls:,} calls"
    table = _table(title, "Report", *(side.name for side in size.sides))
    for report in size.reports:
        table.add_row(report.title, *(f"{time.rows_a_second_a_core / 1e6:,.2f}" for time in report.sides))
    return table


def _sides(size: SizeScaling) -> Table:
    title = f"What {size.calls:,} calls take"
    copying, disk_columns = ("Copied, rows/s", "Merging, s"), ("Bytes a call on disk", "Parts")
    table = _table(title, "Engine", "Version", *copying, *disk_columns, "All cores", "Peak memory, MB")
    for side in size.sides:
        found = side.copied
        copied = (f"{found.rows_a_second:,.0f}", f"{found.merging_seconds:.0f}") if found else ("", "")
        disk = " + ".join(f"{each.bytes_a_call:.1f} {each.name}" for each in side.tables)
        parts = " + ".join(f"{each.parts:,}" for each in side.tables)
        peaks = "\n".join(f"{each.name}: {each.peak_mb:,.0f}" for each in side.processes)
        cores = f"{side.all_cores:.1f}" if side.all_cores else ""
        table.add_row(side.name, side.version, *copied, disk, parts, cores, peaks)
    return table


def _growth(found: ScalingFigures) -> Table:
    sides = [side.name for side in found.sizes[0].sides]
    title = "How many times as long reports take of a larger business"
    table = _table(title, "Report", "From", "To", "Calls in range", *sides)
    grown = [found.growth[first : first + len(sides)] for first in range(0, len(found.growth), len(sides))]
    for of_sides in grown:
        report = of_sides[0]
        sizes = (f"{report.from_calls:,}", f"{report.to_calls:,}", f"{report.more_calls:.2f}")
        table.add_row(report.title, *sizes, *(f"{each.more_time:.2f}" for each in of_sides))
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table
