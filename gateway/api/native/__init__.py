"""The paths that are ours: plain questions, consents, trail, emergencies, agreements, registries."""
