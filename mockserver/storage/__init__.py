"""Sandboxes, records, ids, armed outcomes, the journal and coverage counts: the interface and the store in memory.

It must not know how a request is decided, rendered or sent.
"""
