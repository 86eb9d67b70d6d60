"""What goes wrong becomes one sentence on standard error and an exit code; with --json a JSON object on standard output as well.

What was typed as a secret is not repeated, even where it was typed in the wrong place: error messages end in logs and issues.

Exit codes: 2 for what the person can put right (wrong usage, a component that is none), 1 for what nobody expected, 130 for Ctrl-C.
"""

import errno
import re
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from host.cli.output import plain, print_json
from host.cli.troubles import sentence
from host.model.errors import InnkeeperError

DEBUG = "innkeeper.debug"
JSON = "innkeeper.json"
TYPED = "innkeeper.typed"
PAIR = re.compile(r"(?:--[\w-]+=)?[A-Za-z_][\w.-]*=(.{4,})", re.DOTALL)
SHOWN = ("--set", "--channel-agent", "--unset")
"""Options whose values are no secrets."""
SURPLUS = re.compile(r"(Got unexpected extra argument\S*) \(.*\)", re.DOTALL)


class Group(TyperGroup):
    """The command line as a whole: runs a command and reports its failure."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Also notes whether JSON is wanted: needed even when the command's own options turn out to be wrong."""
        ctx.meta[JSON] = "--json" in args
        ctx.meta[TYPED] = list(args)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InnkeeperError as error:
            told = sentence(error.__cause__)
            _report(ctx, error.code, f"{error.message}; {told}" if told else error.message)
            raise typer.Exit(2) from None
        except typer.TyperException as error:
            error.message = _discreet(ctx, error.message)
            if ctx.meta.get(JSON):
                print_json({"error": {"code": "usage", "message": error.format_message()}})
            raise
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:  # boundary: whatever it is, a person gets a sentence, and the traceback for the asking
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            if told := sentence(error):
                _report(ctx, "usage", told)
                raise typer.Exit(2) from None
            _unexpected(ctx, error)
            raise typer.Exit(1) from None


def _report(ctx: Any, code: str, message: str) -> None:
    message = _discreet(ctx, message)
    if ctx.meta.get(JSON):
        print_json({"error": {"code": code, "message": message}})
    known = "" if code == "usage" else f" ({code})"
    print(f"innkeeper: {plain(message)}{known}", file=sys.stderr)


def _discreet(ctx: Any, message: str) -> str:
    """The message without what was typed as the VALUE of NAME=VALUE and may be a secret, and beside secrets without what was too much."""
    typed = ctx.meta.get(TYPED, [])
    for before, argument in zip(["", *typed], typed, strict=False):
        pair = PAIR.fullmatch(argument)
        if pair and before not in SHOWN and argument.partition("=")[0] not in SHOWN:
            for spelling in (repr(pair[1])[1:-1], pair[1]):
                message = message.replace(spelling, "...")
    return SURPLUS.sub(r"\1", message) if any(re.match("secrets$|--secret", argument) for argument in typed) else message


def _unexpected(ctx: Any, error: Exception) -> None:
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if ctx.meta.get(DEBUG):
        traceback.print_exception(error)
        _report(ctx, "internal", said)
    else:
        _report(ctx, "internal", f"something unexpected happened: {said}. Run it again as `innkeeper --debug ...` to see where")
