"""Drivers that a manifest alone sets up, one folder per protocol."""
