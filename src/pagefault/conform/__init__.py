"""Model against kernel: what both answer, schedule by schedule, and where they part."""
