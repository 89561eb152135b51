"""Results for eyes: terminal, plots, one offline HTML page."""
