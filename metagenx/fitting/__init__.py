"""One fit: differential evolution as in GenX, its settings, its random streams, its result."""
