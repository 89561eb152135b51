"""The modules that a model script imports as ``models.…``."""
