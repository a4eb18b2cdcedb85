"""Drivers that a manifest alone sets up, one file per protocol."""
