"""Land cadastre: OGC API Features."""
