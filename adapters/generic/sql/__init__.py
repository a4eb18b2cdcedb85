"""Registries that are a database."""
