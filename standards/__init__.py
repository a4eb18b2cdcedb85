"""The shared language: wire messages, attributes, permits, signatures and errors; imports nothing of ours."""
