"""On what a campaign runs: joblib, and the backends that others have written for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs, parallel_config

from pagefault.errors import PagefaultError

__all__ = ["BACKENDS", "Workers", "workers"]

NEEDS = {"loky": "", "threading": "", "dask": "distributed", "ray": "ray"}
"""By backend: what has to be installed."""
BACKENDS = tuple(NEEDS)

Run = Callable[[Iterable[tuple[Any, ...]]], list[Any]]


class Workers:
    """So many workers. `run(function, calls)` gives the answers in the order of the calls."""

    def __init__(self, number: int) -> None:
        self.number = number

    def run(self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Call the function with each of these arguments."""
        return list(Parallel(n_jobs=self.number)(delayed(function)(*call) for call in calls))


@contextmanager
def workers(backend: str, jobs: int | None, default: int) -> Iterator[Workers]:
    """Workers of a backend; as many as `jobs`, or as the backend has. PagefaultError if it is not
    installed.

    Dask asks the scheduler that DASK_SCHEDULER_ADDRESS names, Ray the cluster of RAY_ADDRESS;
    without one, each starts workers here.
    """
    _need(backend)
    with _started(backend, jobs), parallel_config(backend=backend):
        yield Workers(jobs or (default if backend == "loky" else effective_n_jobs(-1)))


def _need(backend: str) -> None:
    package = NEEDS[backend]
    if package:
        try:
            import_module(package)
        except ImportError:
            raise PagefaultError(
                f"error: the backend {backend} needs {package}, which is not installed\n"
                f"hint: pip install 'pagefault[{backend}]'"
            ) from None


@contextmanager
def _started(backend: str, jobs: int | None) -> Iterator[None]:
    if backend == "dask":
        from distributed import Client

        with Client(n_workers=jobs, threads_per_worker=1) if jobs else Client():
            yield
    elif backend == "ray":
        import ray
        from ray.util.joblib import register_ray

        register_ray()
        ray.init(num_cpus=jobs, ignore_reinit_error=True)
        try:
            yield
        finally:
            ray.shutdown()
    else:
        yield
