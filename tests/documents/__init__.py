"""The examples of the documents, byte by byte."""
