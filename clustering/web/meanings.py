"""What words of the page mean that only a statistician knows, for their tooltips."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_UNLIKE = "Customers who lie too far from all others to belong to a group."

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "Ahead of customers without groups": "By how much more the clusters stand out than those of customers made up "
        "alike, but without any groups, in standard errors.",
        "Ahead of evenly spread customers": "By how much more the clusters stand out than those of customers spread "
        "evenly over the same room, in standard errors.",
        "Clusters": "Groups that the version has found; each becomes a segment.",
        "First quartile": "A quarter of the segment's customers have less.",
        "Least stability": "The stability of the segment that other samples show least: 1 is all of it.",
        "Mean stability": "How much of its cluster comes out again for the average customer when other samples are "
        "trained on: 1 is all of it.",
        "Median": "Half of the segment's customers have less, half have more.",
        "Noise": _UNLIKE,
        "Outliers": _UNLIKE,
        "Prediction strength": "How often customers who are together in one half of the data stay so when the other "
        "half decides: 1 is always.",
        "Silhouette": "How much nearer customers are to their own segment than to the next: 1 is best.",
        "Stability": "How much of the segment comes out again when other samples are trained on: 1 is all of it. "
        "Highly stable from 0.85, valid from 0.75; a pattern from 0.6, which is there, but who belongs to it is "
        "doubtful; not to be trusted below.",
        "Third quartile": "Three quarters of the segment's customers have less.",
        "Would move": "Customers who would change segment because of the version alone.",
    }
)
