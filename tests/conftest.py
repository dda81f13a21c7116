"""Fixtures for every test."""

from tests.support import engine

__all__ = ["engine"]
