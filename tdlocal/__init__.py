"""tdlocal: Treasure Data on one machine. Runs .dig files and answers Treasure Data's HTTP APIs."""

__version__ = "0.1.0"
