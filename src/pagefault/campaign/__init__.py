"""Generated programs in numbers: what breaks, the smallest program that shows it, and why."""
