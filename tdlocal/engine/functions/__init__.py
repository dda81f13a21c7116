"""The functions that DuckDB lacks, in Python, and how values leave the engine."""
