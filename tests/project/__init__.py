"""Tests of the repository as a whole: its code, README, documentation, examples and packages."""
