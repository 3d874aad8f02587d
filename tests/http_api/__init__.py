"""Tests of `mockserver.http_api`."""
