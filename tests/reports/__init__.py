"""Tests of `mockserver.reports`."""
