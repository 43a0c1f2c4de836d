"""Arrays without pandas, and frames with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

SPARED = """
import sys
from clustering.warehouse.arrays import make_arrays_without_pandas
make_arrays_without_pandas()
import pyarrow as pa
import pyarrow.dataset
array = pa.array([1, 2])
print("pandas" in sys.modules, array.to_pandas().tolist(), "pandas" in sys.modules)
import pandas as pd
print(pa.array(pd.Series([1.0, float("nan")])).to_pylist())
"""
LOADED = """
import pandas as pd
from clustering.warehouse.arrays import make_arrays_without_pandas
make_arrays_without_pandas()
import sys
import pyarrow as pa
print(sys.modules["pandas"] is pd, pa.array(pd.Series([1.0, float("nan")])).to_pylist())
"""


def run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_pandas_is_loaded_when_a_frame_is_asked_for() -> None:
    """Arrays do without it; the first frame loads it, and from then on its values are understood."""
    assert run(SPARED) == ["False [1, 2] True", "[1.0, None]"]


@pytest.mark.slow
def test_pandas_that_is_loaded_stays() -> None:
    """Where frames are used already, nothing changes."""
    assert run(LOADED) == ["True [1.0, None]"]
