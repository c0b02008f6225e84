"""A GPU driver that waits for fences in its callback, and allocates memory before they signal.

Against the cross-driver contract of drivers/dma-buf/dma-fence.c, yet the OOM reaper gets
by: its invalidations do not wait (4.19, commit 93065ac753e4), it takes what it can and goes on.
"""

PARTS = ["user-map-notifier-blocks", "leaving-needs-memory"]
