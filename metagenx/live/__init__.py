"""At the instrument: a folder is watched, every change is fitted, and what to do next is said."""
