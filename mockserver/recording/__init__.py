"""A proxy in front of the provider: each answer is passed on as it came, compared with the contract, and kept.

Imports `base` to `provider`.
"""
