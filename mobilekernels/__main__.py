"""Entry point of ``python -m mobilekernels``."""

import sys

from mobilekernels.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
