"""Running code to which file permissions apply, whoever runs the tests."""

import os
import subprocess
import sys
from collections.abc import Mapping

# Root may read and write anywhere, unless it gives that up before the command starts.
ORDINARY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


def said_by(code: str, *arguments: object, env: Mapping[str, str] | None = None) -> str:
    """What Python code prints on standard output, run as somebody to whom permissions apply."""
    command = [*ORDINARY, sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout
