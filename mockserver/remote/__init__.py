"""The commands that ask a running server, and the options that all commands share.

It must not know how a request is decided.
"""
