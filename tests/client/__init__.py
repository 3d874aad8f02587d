"""Tests of `mockserver.client`."""
