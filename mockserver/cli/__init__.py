"""The command line: its entry point, and the commands that work on a contract.

It must not know how a request is decided; no other package imports it.
"""
