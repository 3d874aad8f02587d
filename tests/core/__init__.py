"""Tests of `mockserver.core`."""
