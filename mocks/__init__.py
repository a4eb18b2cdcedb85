"""Poveria, the practice country: synthetic registries that speak their own dialects."""
