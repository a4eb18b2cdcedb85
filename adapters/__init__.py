"""The conversations with registries: one adapter per source, guarded and described by a manifest."""
