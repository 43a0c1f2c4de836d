"""Settings of a model in one line."""

from __future__ import annotations

import pytest

from clustering.config import DbscanSpec, GaussianMixtureSpec, KMeansSpec, ModelSpec, declare, declared_lines
from clustering.errors import ConfigurationError

KMEANS = KMeansSpec(algorithm="kmeans", features=("a",), clusters=(2, 10), n_init=12)
DBSCAN = DbscanSpec(algorithm="dbscan", features=("a",))
MIXTURE = GaussianMixtureSpec(algorithm="gmm", features=("a",), components=(2, 10))


@pytest.mark.parametrize(
    ("spec", "line", "declared"),
    [
        (KMEANS, "clusters: 5", {"clusters": (5, 5)}),
        (DBSCAN, "eps: 0.2196, min_samples: 4", {"eps": 0.2196, "min_samples": 4}),
        (DBSCAN, "eps: 1e-05, min_samples: 4", {"eps": 1e-05, "min_samples": 4}),
        (
            MIXTURE,
            "components: 7, covariance_types: [full], groups: 3",
            {"components": (7, 7), "covariance_types": ("full",), "groups": 3},
        ),
    ],
)
def test_line_takes_the_place_of_the_files_settings(spec: ModelSpec, line: str, declared: dict[str, object]) -> None:
    """The others stay, and the model counts as declared."""
    made = declare(spec, line)
    assert made.is_declared
    assert made == spec.model_copy(update=declared)
    assert len(declared_lines(line).splitlines()) == len(declared)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "declares nothing"),
        ("5", "declares nothing"),
        ("clusters:5", "declares nothing"),
        ("clusters: [5", "declares nothing"),
        ("cluster: 5", "cluster: is no setting"),
        ("clusters: many", "clusters"),
        ("clusters: 5, clusters: 6", "declares nothing"),
        ("algorithm: gmm", "name another model"),
        ("features: [b]", "name the columns"),
    ],
)
def test_what_is_no_setting_is_said(line: str, said: str) -> None:
    """With the key, the value and what there is."""
    with pytest.raises(ConfigurationError, match=said):
        declare(KMEANS, line)
