"""`python -m mockserver`: the command line. Knows nothing else."""

from mockserver.cli.main import main

main()
