"""Registries with OGC API Features."""
