"""What coding agents ask of a running server, over the Model Context Protocol (MCP).

It must not know how a request is decided: it uses the Python client, and the words of the commands.
"""
