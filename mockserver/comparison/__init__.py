"""Two contracts compared: what changed, and what each change means for a client.

Pure functions of two compiled contracts; `contracts.compare` is where they begin.
"""
