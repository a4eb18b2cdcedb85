"""Groups of the `hearth` command, one module each; `gateway/cli.py` registers them."""
