"""Registries that speak a dialect of DCI."""
