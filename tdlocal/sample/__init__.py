"""The sample shop: eleven raw tables as their sources would send them, with the truth kept apart."""
