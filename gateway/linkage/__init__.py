"""Record linkage: whether somebody in a registry that knows no shared number is the person asked about."""
