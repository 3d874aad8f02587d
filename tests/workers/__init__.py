"""Tests of `mockserver.workers`."""
