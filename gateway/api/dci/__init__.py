"""The operations of the DCI standard."""
