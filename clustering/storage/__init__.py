"""Folders and object stores by their URI, opened with what connections of Airflow say."""
