"""Deedbook: a deed book for data."""

__version__ = "0.1.0"
