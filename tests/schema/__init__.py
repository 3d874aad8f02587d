"""Tests of `mockserver.schema`."""
