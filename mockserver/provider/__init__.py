"""The provider behind the contract: what it answers, compared with what the contract says.

Imports `base` to `client`.
"""
