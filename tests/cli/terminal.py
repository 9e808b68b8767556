"""A command on a terminal of its own."""

import os
import pty
import subprocess

from tests.cli.conftest import CALLTALLY, CommandLine


def on_terminal(calltally: CommandLine, *arguments: str, typed: str = "", columns: int = 80) -> tuple[int, str]:
    """The exit code, and all that a person sees; what is typed is typed once there is something to see."""
    ours, theirs = pty.openpty()
    environment = calltally.environment(COLUMNS=str(columns), TERM="xterm-256color")
    process = subprocess.Popen(
        [CALLTALLY, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            if not seen:
                os.write(ours, typed.encode())  # a question for a secret throws away what was typed before it
            seen += part
    except OSError:  # how a terminal says that nobody is at the other end any more
        pass
    os.close(ours)
    return process.wait(), seen.decode().replace("\r\n", "\n")
