"""Tests of `mockserver.remote`."""
