"""What a question costs: load, peers and stages, measured in interleaved runs; `python -m tests.bench`."""
