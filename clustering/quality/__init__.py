"""Data quality of a night: what its source looks like beside the nights before, and what must not be published."""
