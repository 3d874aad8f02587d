"""Tests of `mockserver.admin`."""
