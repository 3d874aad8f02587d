"""Conversations with the server, as files."""
