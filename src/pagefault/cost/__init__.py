"""What a design costs: measured where this machine can, counted or estimated where it can't.

Nothing of the model is needed here; a C program measures, and `live`'s compiler builds it.
"""

from pagefault.cost.measure import Samples, measure
from pagefault.cost.notifier import Report, report

__all__ = ["Report", "Samples", "measure", "report"]
