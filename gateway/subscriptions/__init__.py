"""Subscriptions: who wants to be told of what, which registries are asked for it, and what is told in the end."""
