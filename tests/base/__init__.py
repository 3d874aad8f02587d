"""Tests of `mockserver.base`."""
