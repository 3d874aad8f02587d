"""Tests of `mockserver.variation`."""
