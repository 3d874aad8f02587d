"""Tests of `mockserver.provider`."""
