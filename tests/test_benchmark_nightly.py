"""The benchmark runs, and writes the figures in the form that others read."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from clustering.config import PROJECT


@pytest.mark.slow
def test_benchmark_writes_its_figures(tmp_path):
    """A small run of two models: K-Means alone and both together, every ratio positive, memory in its bounds."""
    out = tmp_path / "out.json"
    command = [sys.executable, str(PROJECT / "benchmarks" / "nightly.py"), "--rows", "20000", "--repeats", "1"]
    subprocess.run([*command, "--models", "kmeans", "gmm", "--json", str(out)], check=True, capture_output=True)
    figures = json.loads(out.read_text())
    assert figures["rows"] == 20_000
    alone, together = figures["cases"]
    assert (alone["models"], together["models"]) == (["kmeans"], ["kmeans", "gmm"])
    for case in (alone, together):
        assert case["ratio_to_floor"] == pytest.approx(case["night_s"] / case["floor_s"])
        assert case["pandas_ratio"] > 0
        assert case["history_ratio"] == pytest.approx(case["history"]["with_s"] / case["history"]["without_s"])
        assert 0 < case["history"]["customers_moved"] <= 0.01
        assert 0 < case["peak_rss_mb"] <= 350
    assert alone["sql_ratio"] > 0
    assert together["sql_ratio"] is None
