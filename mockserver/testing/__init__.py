"""A server inside a test run: `running()` and the pytest plugin.

It must not know the command line.
"""
