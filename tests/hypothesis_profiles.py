"""How hard hypothesis looks: `repeatable` by default, else `pytest --hypothesis-profile=<name>`."""

from hypothesis import settings


def register() -> None:
    """Makes the profiles known and loads the default; pytest's option, read later, wins."""
    # The same examples on every run, so that a failure in CI is a failure everywhere.
    settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=200)
    settings.register_profile("thorough", deadline=None, max_examples=2000, print_blob=True)
    # Emulation is slow, and what is looked for there is another instruction set, not another example.
    settings.register_profile("emulated", derandomize=True, deadline=None, database=None, max_examples=10)
    settings.load_profile("repeatable")
