"""The edge: sockets, limits, faults on the wire, TLS and the access log, on aiohttp.

It must not know why a request was answered as it was.
"""
