"""The version of the distribution. Knows nothing else."""

__version__ = "0.1.0"
