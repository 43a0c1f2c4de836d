"""Handing audiences to other systems, as files or as rows of a table."""
