"""Exit codes, and the error that means wrong usage."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
NOT_COVERED = 3

EXPLANATION = """\
exit codes:
  0  done
  1  the run failed; the reason is on stderr
  2  wrong usage: an unknown command, option or model
  3  with --strict: the model converted, but some of its operators stay on stock ones
"""


class UsageError(Exception):
    """The command line asks for something that does not exist."""
