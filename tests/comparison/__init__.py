"""Tests of `mockserver.comparison`."""
