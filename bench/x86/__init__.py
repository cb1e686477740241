"""Proxies for speed on x86 cores that are not at hand: executed paths by llvm-mca's models."""
