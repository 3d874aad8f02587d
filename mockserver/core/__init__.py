"""The vocabulary of contracts and requests: frozen values, problems, delays and faults as they are written.

It must not know files, libraries for schemas or HTTP, sandboxes, or any operation.
"""
