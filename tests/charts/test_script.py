"""The script of charts: made once, kept whole, and made again by another release or where it cannot be kept."""

from contextlib import closing
from pathlib import Path

from calltally.charts import VEGA_VERSION, Drawer, vega_script
from calltally.engines import Stop


def test_it_is_made_once_and_then_read(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with closing(Drawer()) as drawer:
        script = vega_script(drawer, folder, Stop())
    assert b"vegaEmbed" in script
    [kept] = folder.iterdir()
    assert kept.name == f"vega-{VEGA_VERSION}.js"
    with closing(Drawer()) as other:
        assert vega_script(other, folder, Stop()) == script
        assert other.process is None


def test_without_a_folder_nothing_is_kept() -> None:
    with closing(Drawer()) as drawer:
        assert b"vegaEmbed" in vega_script(drawer, None, Stop())
