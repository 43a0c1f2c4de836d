"""Forgetting a customer."""
