"""`python -m hotline` is the command `hotline`, for machines whose PATH does not hold it."""

import sys

from hotline.cli import main

if __name__ == "__main__":
    sys.exit(main())
