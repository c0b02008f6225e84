"""The command line: one module per verb, put together in app.py."""

__all__ = ["main"]


def main() -> None:
    """What the command `pagefault` runs. The verbs are imported here, so that whoever interrupts
    it that early gets no traceback either."""
    import sys

    try:
        from pagefault.cli import app
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    app.main()
