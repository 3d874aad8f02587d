"""Journal entries: written once as masked JSON, then read by lists, details, verification and replay.

It must not know the engine, sandboxes or HTTP.
"""
