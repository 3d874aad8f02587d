"""Pure functions: a request and what was looked up for it to an outcome, its evidence and its reply.

It must not know storage, clocks, files or HTTP libraries.
"""
