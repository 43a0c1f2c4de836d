"""Run the command line: `python -m clustering`."""

import sys

from clustering.cli import main

if __name__ == "__main__":
    sys.exit(main())
