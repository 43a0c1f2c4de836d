"""Drift: what a version was trained on, what a night is like, and whether the two differ by more than chance."""
