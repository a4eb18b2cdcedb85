"""Delivery: what a consumer was promised reaches it, at the address it is registered with, and nowhere else."""
