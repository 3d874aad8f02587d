"""A call of the admin API, its query parameters, the reply to it, a route, and who may use it.

It must not know what any route does, sockets or HTTP libraries.
"""
