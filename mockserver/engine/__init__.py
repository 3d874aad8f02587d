"""The pipeline from request to reply, and what is asked of it: reload, explain, metrics, the linter.

It must not know sockets, HTTP libraries or the admin API.
"""
