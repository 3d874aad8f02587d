"""The tests: `tests/PACKAGE/test_MODULE.py` tests `mockserver/PACKAGE/MODULE.py`."""
