"""Health registry: FHIR R4."""
