"""Valid customers as a float matrix: learnt once, in training, and applied alike wherever customers are labelled."""

from clustering.features.scaling import FloatMatrix, FloatVector, Scaling, fit_scaling

__all__ = ["FloatMatrix", "FloatVector", "Scaling", "fit_scaling"]
