"""Tests of `mockserver.cli`."""
