"""Tests of `mockserver.testing`."""
