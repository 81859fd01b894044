"""`python -m benchmarks.engine`."""

import sys

from benchmarks.engine.run import main

sys.exit(main())
