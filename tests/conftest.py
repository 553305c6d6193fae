"""Makes what the end-to-end and the fault tests share importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
