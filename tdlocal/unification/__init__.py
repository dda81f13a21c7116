"""Identity unification: unify.yml in, a Digdag workflow of plain Trino SQL tasks out. No HTTP, no engine."""
