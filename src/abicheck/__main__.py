"""`python -m abicheck`."""

import sys

from abicheck.cli import main

if __name__ == "__main__":
    sys.exit(main())
