"""Subscriptions: the store, the registries, what is told."""
