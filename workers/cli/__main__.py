"""`python -m workers.cli`, for processes that start others of their own installation."""

import sys

from workers.cli.main import main

sys.exit(main())
