"""Pages and archives for people: bug report, coverage page, HAR, JUnit.

It must not know running servers or HTTP.
"""
