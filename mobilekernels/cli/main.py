"""The command line's parser, and what is common to all commands: errors, exit codes, JSON."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType

from mobilekernels.cli import (
    bench,
    compare,
    convert,
    demo,
    exits,
    export,
    inspect,
    kernels,
    output,
    profile,
    tune,
)

_COMMANDS: dict[str, ModuleType] = {
    "demo": demo,
    "convert": convert,
    "export": export,
    "compare": compare,
    "inspect": inspect,
    "bench": bench,
    "profile": profile,
    "tune": tune,
    "kernels": kernels,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    args = _parser().parse_args(argv)
    try:
        with output.stdout_kept_clean(args.json):
            code, value = args.run(args)
        if value is not None:
            output.print_json(value)
        assert isinstance(code, int)
        return code
    except exits.UsageError as error:
        print(f"usage error: {error}", file=sys.stderr)
        return exits.USAGE
    except Exception as error:
        if args.traceback:
            traceback.print_exc()
        else:
            print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        return exits.FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mobilekernels",
        description="int8 kernels for mobile networks in PyTorch.",
        epilog=exits.EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in _COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=command.HELP,
            description=(command.__doc__ or "").strip().splitlines()[0].replace("`", ""),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.add_argument("--traceback", action="store_true", help="show where an error comes from")
        sub.epilog = f"{sub.epilog}\n\n{exits.EXPLANATION}" if sub.epilog else exits.EXPLANATION
        sub.set_defaults(run=command.run)
    return parser
