"""Education registry: REST, many learners in one call, in pages."""
