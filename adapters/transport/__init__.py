"""The way to a registry and the guard on it: connections, credentials, deadlines, limits; nothing above HTTP."""
