"""Tests of the repository as a whole: its code, README, examples and packages."""
