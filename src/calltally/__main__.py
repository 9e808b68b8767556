"""`python -m calltally` is `calltally`."""

import sys

from calltally.cli import main

if __name__ == "__main__":
    sys.exit(main())
