"""One HTML file with tables and figures that opens anywhere, without a network."""
