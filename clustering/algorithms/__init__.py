"""The clustering algorithms, one class and module each; assigning needs numpy and scipy only."""

from __future__ import annotations

from typing import Any

from clustering.algorithms.attraction import Attraction
from clustering.algorithms.base import Algorithm, Assigner, Assignment, Fitted, FloatMatrix, Parameters, Settings
from clustering.algorithms.dbscan import Dbscan
from clustering.algorithms.gmm import GaussianMixture
from clustering.algorithms.kmeans import KMeans
from clustering.config import algorithm_of, register_specification

__all__ = [
    "Algorithm",
    "Assigner",
    "Assignment",
    "Attraction",
    "Fitted",
    "FloatMatrix",
    "Parameters",
    "Settings",
    "algorithm",
    "algorithm_names",
    "register",
]

_registered: dict[str, Algorithm[Any]] = {}


def register(one: Algorithm[Any]) -> None:
    """Make an algorithm known, to models' files as well, in the place of one of the same name."""
    register_specification(one.specification)
    _registered[algorithm_of(one.specification)] = one


def algorithm(name: str) -> Algorithm[Any]:
    """Return the algorithm of a model's specification.

    >>> type(algorithm("kmeans")).__name__
    'KMeans'
    """
    return _registered[name]


def algorithm_names() -> tuple[str, ...]:
    """Return the names of all algorithms, those first that people know best.

    >>> algorithm_names()[0]
    'kmeans'
    """
    return tuple(_registered)


for _one in (KMeans(), GaussianMixture(), Dbscan()):
    register(_one)
