"""Tests of `mockserver.recording`."""
