"""Suggesting a schema map: what the columns of raw tables probably mean, and why."""
