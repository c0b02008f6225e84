"""`pagefault repro`: a test as a C program."""

from __future__ import annotations

import click

from pagefault.cli.options import one_test

__all__ = ["repro"]


@click.command(short_help="A test as a self-contained C program.")
@click.argument("test", metavar="TEST")
@click.option(
    "--schedule",
    "-s",
    "wanted",
    multiple=True,
    metavar="P,P,C",
    help="Build in this schedule: the tasks in the order in which they move. May be repeated. "
    "Without it, all are built in, if they are few.",
)
@click.option(
    "--stress",
    is_flag=True,
    help="Let it run with all tasks at once and print a histogram, unless it is told otherwise.",
)
def repro(test: str, wanted: tuple[str, ...], stress: bool) -> None:
    """Print a C program that does TEST on the kernel that it runs on.

    It needs nothing but a C compiler: cc -Wall -Wextra -static. Tasks are processes and threads,
    and a driver hands out turns. TEST is a test's name, the path of a litmus file, or - for
    standard input.
    """
    from pagefault.lang.schedule import parse_schedule
    from pagefault.live import c_program

    program = one_test(test, "repro")
    chosen = [parse_schedule(program, text) for text in wanted] or None
    click.echo(c_program(program, chosen, STRESS if stress else 0), nl=False)


STRESS = 10_000
"""How often it runs free."""
