"""The figures as people read them."""

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figures, SizeFigures

__all__ = ["print_figures"]


def print_figures(figures: Figures, console: Console) -> None:
    """Print everything that was measured."""
    machine = figures.machine
    console.print(
        f"{machine.cores} cores, Python {machine.python}, DuckDB {machine.duckdb}, Calltally {machine.calltally}; "
        f"load before: {machine.load:.1f}; best of {figures.rounds} rounds",
        soft_wrap=True,
    )
    for size in figures.sizes:
        console.print(_imports(size))
        console.print(_reports(size))
    demo = figures.demo
    console.print(
        f"Idle with the demo's calls: {demo.started_again_mb:.0f} MB ({demo.calls_made_mb:.0f} MB having made them)"
    )


def _imports(size: SizeFigures) -> Table:
    table = _table(f"Import of {size.calls:,} calls", "File", "Calls/s", "Seconds", "Peak memory")
    for found in size.imports:
        table.add_row(found.format, f"{found.calls_a_second:,.0f}", f"{found.seconds:.1f}", f"{found.peak_mb:,.0f} MB")
    return table


def _reports(size: SizeFigures) -> Table:
    table = _table(f"Reports over {size.calls:,} calls", "Report", "ms", "Rival ms", "Ratio", "Again ms")
    for found in size.reports:
        times = (f"{found.ms:.1f}", f"{found.rival_ms:.1f}", f"{found.ratio:.2f}", f"{found.again_ms:.2f}")
        table.add_row(found.title, *times)
    zones = size.time_zones
    table.add_section()
    table.add_row("By day, in UTC", f"{zones.utc_ms:.1f}")
    table.add_row("By day, in New York (ratio: to UTC)", f"{zones.new_york_ms:.1f}", "", f"{zones.ratio:.2f}")
    table.add_row("Empty route", "", "", "", f"{size.empty_route_ms:.2f}")
    table.caption = f"Peak memory of the server: {size.serving_peak_mb:,.0f} MB"
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table
