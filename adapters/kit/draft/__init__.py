"""Drafts of manifests: from what a registry already says of itself, or from answers to questions."""
