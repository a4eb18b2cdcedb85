"""What `gateway/client.py` is made of: messages, what is said with a gateway, and callbacks; no HTTP client in it."""
