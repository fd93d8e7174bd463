"""Child process of a search: does trials until its stdin ends."""

from __future__ import annotations

import sys
from pathlib import Path

from edgeq.sweep.worker import serve
from edgeq.tuning.trial import answer

if __name__ == "__main__":
    serve(Path(sys.argv[1]), answer)
