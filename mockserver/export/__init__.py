"""The contract in the formats of other tools: OpenAPI, Postman, TypeScript.

It must not know running servers.
"""
