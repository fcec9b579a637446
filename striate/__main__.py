"""`python -m striate` is `striate`."""

import sys

from striate.cli.main import main


def run() -> None:
    """What the installed command calls."""
    sys.exit(main())


if __name__ == "__main__":
    run()
