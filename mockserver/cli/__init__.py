"""The command line.

It must not know how a request is decided; no other package imports it.
"""
