"""Registries with FHIR R4 searches."""
