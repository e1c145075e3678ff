"""`python -m workers.cli`, for processes that start others of their own installation."""

import sys

from workers.cli import main

sys.exit(main())
