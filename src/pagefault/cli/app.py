"""The command line: `pagefault VERB ...`, one module per verb.

Exit codes: 0 as claimed, 1 a surprise, 2 a usage or parse error, 3 a budget ended (Unknown),
4 nothing to do (skipped), 130 interrupted. Modules of the model are imported inside the verbs, so
that help is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from pagefault.cli.campaign import campaign
from pagefault.cli.check import check
from pagefault.cli.conform import conform
from pagefault.cli.cost import cost
from pagefault.cli.designs import designs
from pagefault.cli.diff import diff
from pagefault.cli.explain import explain
from pagefault.cli.kernels import kernels
from pagefault.cli.list_tests import list_tests
from pagefault.cli.live import live
from pagefault.cli.mutate import mutate
from pagefault.cli.repro import repro
from pagefault.cli.table import table
from pagefault.errors import PagefaultError

__all__ = ["app", "main", "run"]

INTERRUPTED = 130
BROKEN_PIPE = 141
USAGE = 2
INTERNAL = 70  # sysexits.h EX_SOFTWARE


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="pagefault", message="pagefault %(version)s")
@click.pass_context
def app(context: click.Context) -> None:
    """Try every schedule of a small program on a model of Linux memory management.

    A litmus test says what processes and devices do to a few pages, and asks a question about the
    end. A design is a kernel: mainline is Linux 6.12, the others replace a few of its functions.

    \b
    pagefault check                        the catalogue: every test, every design with a claim
    pagefault check cow/ --design mine.py  your design against a family of tests
    pagefault table cow                    a debate: tests against designs, and what each keeps
    pagefault explain TEST --design D      a shortest trace, ready for a mail
    pagefault list cow/                    the tests and what they ask
    pagefault designs                      the kernels there are
    pagefault diff mainline D              a design as the functions that it replaces
    pagefault mutate                       what no test notices if the kernel leaves it out
    pagefault campaign                     generated programs: which promises break
    pagefault live cow/                    the same tests on the kernel that runs here
    pagefault conform -k host -k 6.12      does the model do what kernels do? a table
    pagefault cost notifier                what notifiers and pins cost on this machine
    pagefault cost memdesc                 what tracking kernel pages in user space costs
    pagefault cost directmap               what exclusive pages do to a machine of 1 TiB
    pagefault repro TEST                   a test as a C program
    pagefault kernels                      real kernels to boot: list, fetch, add, probe
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _verb in (
    check,
    table,
    explain,
    list_tests,
    designs,
    diff,
    mutate,
    campaign,
    live,
    conform,
    cost,
    repro,
    kernels,
):
    app.add_command(_verb)


def _say_exit_codes(verb: click.Command) -> None:
    """A verb that can only succeed or fail need not say so itself."""
    for child in verb.commands.values() if isinstance(verb, click.Group) else ():
        _say_exit_codes(child)
    if "Exit code" not in (verb.help or ""):
        verb.epilog = "Exit code: 0 done, 2 an error."


_say_exit_codes(app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code. Errors go to stderr as text."""
    try:
        return _run(arguments)
    except OSError:  # the error can't be told: stderr is full, too
        _drop(sys.stderr)
        return USAGE


def _run(arguments: Sequence[str] | None) -> int:
    try:
        # Not app.main(): it has ways of its own with interrupts and broken pipes.
        arguments = list(sys.argv[1:] if arguments is None else arguments)
        with app.make_context("pagefault", arguments) as context:
            code = app.invoke(context)
        if sys.stdout is not None:  # None where it was closed from the start
            sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except PagefaultError as error:
        click.echo(str(error), err=True)
        return USAGE
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort) as error:
        click.echo(f"interrupted {error}".rstrip(), err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone: nobody is left to tell, and Python must not try again at exit.
        _drop(sys.stdout)
        return BROKEN_PIPE
    except OSError as error:
        _drop(sys.stdout)
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"{where}error: {error.strerror or error}", err=True)
        return USAGE
    except Exception as error:
        if "PAGEFAULT_DEBUG" in os.environ:
            raise
        click.echo(
            f"error: pagefault itself failed: {type(error).__name__}: {error}\n"
            "hint: set PAGEFAULT_DEBUG=1 to see where, and report it",
            err=True,
        )
        return INTERNAL
    return code if isinstance(code, int) else 0


def _drop(stream: TextIO | None) -> None:
    """What is still buffered has nowhere to go."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main() -> None:
    """The console script."""
    sys.exit(run())
