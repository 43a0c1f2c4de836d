"""The clustering algorithms, one module each; assigning needs numpy and scipy only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clustering.algorithms import dbscan, gmm, kmeans
from clustering.algorithms.base import Algorithm, Assigner, Assignment, Fitted, FloatMatrix, Parameters, Settings
from clustering.config import AlgorithmName

__all__ = [
    "Algorithm",
    "Assigner",
    "Assignment",
    "Fitted",
    "FloatMatrix",
    "Parameters",
    "Settings",
    "algorithm",
    "algorithm_names",
]

_ALGORITHMS: Mapping[AlgorithmName, Algorithm[Any]] = {"kmeans": kmeans, "gmm": gmm, "dbscan": dbscan}


def algorithm(name: AlgorithmName) -> Algorithm[Any]:
    """Return the algorithm of a model's specification.

    >>> algorithm("kmeans").__name__
    'clustering.algorithms.kmeans'
    """
    return _ALGORITHMS[name]


def algorithm_names() -> tuple[AlgorithmName, ...]:
    """Return the names of all algorithms, those first that people know best."""
    return tuple(_ALGORITHMS)
