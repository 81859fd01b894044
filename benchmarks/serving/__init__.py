"""Requests per second over a real network stack, the gateway beside Strawberry's own view, in one run:
`python -m benchmarks.serving [FOLDER] [--rounds N] [--seconds N]`."""
