"""A Python client of the admin API of a running server.

It must not know the engine or the contract's files.
"""
