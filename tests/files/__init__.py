"""Tests of `mockserver.files`."""
