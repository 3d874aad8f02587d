"""Tests of `mockserver.entries`."""
