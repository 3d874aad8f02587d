"""The processes that serve: one alone, or several workers on one port with a parent that starts and watches them.

It must not know what is answered, nor options of the command line.
"""
