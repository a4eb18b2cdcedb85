"""Registries with a GraphQL endpoint."""
