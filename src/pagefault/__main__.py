"""`python -m pagefault`."""

from pagefault.cli import main

main()
