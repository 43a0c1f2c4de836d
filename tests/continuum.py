"""Customers who form no groups, for tests of models that refuse them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from clustering.demo.loading import load_customers
from tests.projects import Project


def load_continuum(project: Project, rows: int, **columns: Any) -> None:
    """Load so many customers who form no groups, with other `columns` in place of some."""
    generator = np.random.default_rng(0)
    table = {
        "customer_id": np.arange(1, rows + 1),
        "age": generator.integers(18, 80, rows),
        "gender": ["Female", "Male"] * (rows // 2),
        "annual_income": generator.uniform(10_000, 90_000, rows),
        "spending_score": generator.uniform(1, 100, rows),
    }
    load_customers(project.warehouse, project.configuration.contract, pa.table(table | columns))
