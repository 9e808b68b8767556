"""Nothing above the engines knows which ones there are."""

import re
from pathlib import Path

import calltally

SOURCE = Path(calltally.__file__).parent
NAMES = re.compile("duckdb|clickhouse|chdb", re.IGNORECASE)


def test_no_module_outside_the_engines_names_one() -> None:
    naming = {
        path.relative_to(SOURCE)
        for path in SOURCE.rglob("*.py")
        if "engines" not in path.relative_to(SOURCE).parts and NAMES.search(path.read_text())
    }
    assert naming == {Path("settings.py"), Path("cli/migrating.py")}  # whose help has examples
