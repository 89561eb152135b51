"""Clusters: their files, starting and ending them, running an experiment there and bringing its run folder home."""
