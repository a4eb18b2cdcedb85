"""The layer for registries behind a security server of X-Road."""
