"""Variation of answers within what the contract leaves open, reproducible from a seed.

It knows no contract and no server: a kind of variation is a function of a random source and a reply.
"""
