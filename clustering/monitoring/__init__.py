"""Drift: whether tonight's customers are still those that a version was trained on."""
