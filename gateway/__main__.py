"""`python -m gateway --config config.yaml`: run one gateway process."""

from __future__ import annotations

from gateway.cli import app

if __name__ == "__main__":
    app()
