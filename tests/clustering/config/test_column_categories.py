"""What the configuration says of categories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from clustering.config import Column, Contract, load_configuration
from clustering.errors import ConfigurationError
from tests.paths import CONFIGURATION

CATEGORY = {"type": "text", "role": "cluster", "encode": "one_hot"}


def declared(folder: Path, models: dict[str, Any], **segments: Any) -> Path:
    """Return a configuration in which the gender is a category, with these models."""
    contract = yaml.safe_load((CONFIGURATION / "customers.yaml").read_text())
    contract["columns"]["gender"] = CATEGORY
    contract["default_model"] = None
    files = {"customers": contract, "segments": {"segments": [], "max_distance": 1.0, **segments}, **models}
    for name, document in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))
    return folder


def test_k_means_takes_categories_beside_numbers(tmp_path: Path) -> None:
    model = {"algorithm": "kmeans", "features": ["annual_income", "gender"]}
    found = load_configuration(declared(tmp_path, {"kmeans": model}))
    assert found.contract.categories == ("gender",)
    assert "gender" not in found.contract.averaged


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"algorithm": "gmm"}, "gmm.yaml: features: 'gender' is a category, and this algorithm takes its values for"),
        ({"algorithm": "dbscan"}, "dbscan.yaml: features: 'gender' is a category, and this algorithm takes its values"),
        ({"algorithm": "kmeans", "features": ["gender"]}, "kmeans.yaml: features: gender are categories alone"),
    ],
)
def test_what_cannot_be_made_of_categories_is_refused(tmp_path: Path, model: dict[str, Any], message: str) -> None:
    whole = {"features": ["annual_income", "gender"], **model}
    with pytest.raises(ConfigurationError, match=message):
        load_configuration(declared(tmp_path, {model["algorithm"]: whole}))


def test_a_prototype_has_no_category(tmp_path: Path) -> None:
    model = {"algorithm": "kmeans", "features": ["annual_income", "gender"]}
    named = {"id": 1, "name": "One", "description": "", "recommended_action": "", "prototype": {"gender": 1.0}}
    with pytest.raises(
        ConfigurationError, match="prototype: 'gender' is a category, and a prototype is made of numbers"
    ):
        load_configuration(declared(tmp_path, {"kmeans": model}, segments=[named]))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"encode": None}, "role cluster needs a number .* a text with encode: one_hot"),
        ({"role": "profile"}, "encode: only for the type text and the role cluster"),
        ({"type": "number"}, "encode: only for the type text and the role cluster"),
        ({"missing": "median"}, "missing median: only numbers of the role cluster have one"),
        ({"missing": 3.0}, "missing 3.0: a text column takes reject or allow"),
    ],
)
def test_a_wrong_category_is_refused(column: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Column.model_validate({**CATEGORY, **column})


def test_a_contract_without_categories_has_the_digest_that_it_had() -> None:
    """A night that is held over an upgrade is still one of the same contract."""
    columns = {"id": {"type": "bigint", "role": "key"}, "spent": {"type": "number", "role": "cluster"}}
    contract = Contract.model_validate({"table": "shop", "columns": columns})
    assert contract.source_digest == "9e73f2432b6cf483f52402123a9686f5a8d1ff3e0c6ce9316cb62c47eee19194"
