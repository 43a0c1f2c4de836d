"""Segments: their names and what their customers have in common."""
