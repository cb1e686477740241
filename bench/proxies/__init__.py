"""What proxies for speed share, whatever the architecture."""
