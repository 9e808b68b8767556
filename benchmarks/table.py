"""The figures as people read them."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from benchmarks.figures import (
    BesideFigure,
    Figures,
    ListFigures,
    PagesFigures,
    SizeImports,
    SizeReports,
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
            f"Idle with the demo's calls: {demo.started_again_mb:.0f} MB ({demo.calls_made_mb:.0f} MB having made them)"
        )


def _tables(figures: Figures) -> Iterator[Table]:
    yield from map(_imports, figures.imports or ())
    yield from map(_reports, figures.reports or ())
    if figures.writing:
        yield _writing(figures.writing)
        yield _beside(figures.writing.beside)
    if figures.lists:
        yield _lists(figures.lists)
    if figures.pages:
        yield _pages(figures.pages)


def _imports(size: SizeImports) -> Table:
    table = _table(f"Import of {size.calls:,} calls", "File", "Calls/s", "Seconds", "Peak memory")
    for found in size.files:
        table.add_row(found.format, f"{found.calls_a_second:,.0f}", f"{found.seconds:.1f}", f"{found.peak_mb:,.0f} MB")
    return table


def _reports(size: SizeReports) -> Table:
    table = _table(f"Reports over {size.calls:,} calls", "Report", "ms", "Rival ms", "Ratio", "Again ms")
    for found in size.reports:
        times = (f"{found.ms:.1f}", f"{found.rival_ms:.1f}", f"{found.ratio:.2f}", f"{found.again_ms:.2f}")
        table.add_row(found.title, *times)
    zones = size.time_zones
    table.add_section()
    table.add_row("By day, in UTC", f"{zones.utc_ms:.1f}")
    table.add_row("By day, in New York (ratio: to UTC)", f"{zones.new_york_ms:.1f}", "", f"{zones.ratio:.2f}")
    table.add_row("Empty route", "", "", "", f"{size.empty_route_ms:.2f}")
    table.caption = f"Peak memory of the server: {size.peak_mb:,.0f} MB"
    return table


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
    table = _table(title, "Report", "Idle ms", "ms", "Ratio")
    for report in found.reports:
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


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table
