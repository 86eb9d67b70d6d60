"""The `innkeeper` command."""


def main() -> None:
    """What the installed command runs. Imports late, so that importing a module of this room costs only that module."""
    from host.cli.app import app

    app(prog_name="innkeeper")
