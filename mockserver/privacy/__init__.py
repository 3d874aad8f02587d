"""What is secret, and how it is masked before it is written anywhere: secrets of a contract, payment account numbers.

It must not know journal entries, logs or storages; they ask it.
"""
