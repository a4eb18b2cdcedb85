"""The published description of the interface, made of the code that answers: OpenAPI, pages, a collection."""
