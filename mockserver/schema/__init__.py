"""JSON Schema to violations in our own wording; regular expressions in linear time.

It must not know scenarios, requests or state.
"""
