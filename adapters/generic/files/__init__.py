"""Registries that are lists, dropped into a folder or fetched by SFTP."""
