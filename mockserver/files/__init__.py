"""YAML and JSON files to trees in which every node knows its file, line and column.

It must not know what the files mean.
"""
