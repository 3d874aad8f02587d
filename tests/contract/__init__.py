"""Tests of `mockserver.contract`."""
