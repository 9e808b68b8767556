"""Runs statements, one a line as JSON, in the newest version of the database, and writes what comes of each.

`python library_child.py [FOLDER]`: the tables are in the folder, or in one that ends with the process.
"""

import json
import os
import sys
from typing import Any

from chdb import session

answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # whatever the library prints is no answer
database: Any = vars(session)["Session"](*sys.argv[1:])
for line in sys.stdin:
    try:
        result = database.query(json.loads(line), "JSONCompact")
        answer = ("rows", result.bytes().decode() if result else "")
    except RuntimeError as error:  # what the library raises for a statement: its answer, which the other end raises
        answer = ("error", str(error))
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
