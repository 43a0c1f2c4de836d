"""Train, judge and register new versions of the models."""

from __future__ import annotations

from clustering.training.preview import preview
from clustering.training.promotion import approve, change_champion, gate, promote, roll_back
from clustering.training.pruning import prune
from clustering.training.retraining import draw_sample, drop_sample, train

__all__ = [
    "approve",
    "change_champion",
    "draw_sample",
    "drop_sample",
    "gate",
    "preview",
    "promote",
    "prune",
    "roll_back",
    "train",
]
