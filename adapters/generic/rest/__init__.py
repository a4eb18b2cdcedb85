"""Registries that answer JSON over HTTP."""
