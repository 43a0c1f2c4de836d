"""Values in a terminal, with the unit that the contract declares."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.command_line import Run


def test_values_are_said_with_their_unit(trained_by: Callable[[str], Run], quick_configuration: Path) -> None:
    """A unit that the contract declares stands behind every value: of the list of segments and of an explanation."""
    file = quick_configuration / "customers.yaml"
    contract = yaml.safe_load(file.read_text(encoding="utf-8"))
    contract["columns"]["annual_income"] |= {"unit": "€", "decimals": 0}
    file.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")
    clustering = trained_by("kmeans")
    assert clustering("score").code == 0
    assert re.search(r"[0-9],[0-9]{3} €", clustering("segments").out)
    assert clustering("segments", "--json").document["units"] == {"avg_annual_income": "€"}
    assert re.search(r"annual_income +[0-9,.]+ €", clustering("explain", "1", "--model", "kmeans").out)
