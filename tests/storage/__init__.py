"""Tests of `mockserver.storage`."""
