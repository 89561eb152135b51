"""``python -m metagenx``."""

from metagenx.cli import main

if __name__ == "__main__":
    main()
