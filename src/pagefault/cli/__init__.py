"""The command line: one module per verb, put together in app.py."""

from pagefault.cli.app import main

__all__ = ["main"]
