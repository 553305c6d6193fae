"""Makes the simulation and the fakes of upload's tests importable."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE / "support", HERE.parents[1] / "services/upload/tests/support", HERE.parent / "support"):
    sys.path.insert(0, str(folder))
