"""Sources of customers as they really are: honest nights of made-up companies, and what breaks a source."""

from sources import lost_rows, wrong_keys, wrong_values

__all__ = ["lost_rows", "wrong_keys", "wrong_values"]  # imported so that every kind is registered
