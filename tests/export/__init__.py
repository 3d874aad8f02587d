"""Tests of `mockserver.export`."""
