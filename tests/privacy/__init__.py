"""Tests of `mockserver.privacy`."""
