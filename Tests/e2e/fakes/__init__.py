"""Upstreams that behave like the vendors' APIs, for tests."""
