"""Where the zeros of a packed layer lie, and whether skipping them pays."""
