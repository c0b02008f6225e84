"""Mutants of the baseline: does the catalogue notice when a flush or a lock is left out?

`mutants.py` makes them, mechanically, from the source of mm/ and hw/; `trials.py` links each as a
design and runs the tests of the catalogue until one surprises.
"""

from pagefault.mutate.mutants import Mutant, mutants
from pagefault.mutate.trials import Trial, Verdict, judge, plan, recall, run

__all__ = ["Mutant", "Trial", "Verdict", "judge", "mutants", "plan", "recall", "run"]
