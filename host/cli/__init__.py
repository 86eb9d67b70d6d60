"""The `innkeeper` command."""


def main() -> None:
    """What the installed command runs. Imports late, so that importing a module of this room costs only that module."""
    import sys
    from io import TextIOWrapper

    from host.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no name of a customer breaks a terminal that can't show it
    app(prog_name="innkeeper")
