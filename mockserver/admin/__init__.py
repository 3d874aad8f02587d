"""The admin API as one table of routes, its OpenAPI document, and the console.

It must not know sockets or HTTP libraries.
"""
