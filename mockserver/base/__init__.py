"""Values that any program could use: JSON, instants, JSON Pointer, near spellings, addresses.

It must not know contracts, requests or sandboxes.
"""
