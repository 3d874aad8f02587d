"""Trees of files to a compiled contract; the scenario language: paths, conditions, templates.

It must not know requests under way, sandboxes or HTTP.
"""
