"""Tests of `mockserver.engine`."""
