"""The world of a GenX file: what the user drew, as plain data and as a runnable model."""
