"""Tests of `mockserver.server`."""
