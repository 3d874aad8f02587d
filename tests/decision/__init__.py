"""Tests of `mockserver.decision`."""
