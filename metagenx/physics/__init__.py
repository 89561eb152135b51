"""Physics of reflectivity: arrays in, arrays out. No files, no state, no GenX."""
