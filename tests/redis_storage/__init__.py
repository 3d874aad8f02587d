"""Tests of `mockserver.redis_storage`."""
