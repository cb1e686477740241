"""Segments: graphs of our operators that run from one call, without Python or allocation in between."""
