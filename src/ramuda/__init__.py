"""Ramuda: AWS Lambda applications on your own machines. Start reading at `docs/tour.md`."""

__version__ = "0.1.0"
