"""Files in: CSV, TSV, JSON lines and Parquet, gzipped or not, in the encodings that exports come in."""
