"""`python -m host.cli` is the command `innkeeper`, also where only the sources are."""

from host.cli import main

if __name__ == "__main__":
    main()
