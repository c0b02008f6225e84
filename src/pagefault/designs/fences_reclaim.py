"""A GPU driver that waits for fences in its callback, and reclaims memory before they signal.

Against the cross-driver contract of drivers/dma-buf/dma-fence.c. Breaks `no-deadlock`, and needs
nobody else for it: reclaim on the way to the fence waits for the fence.
"""

PARTS = ["user-map-notifier-blocks", "leaving-reclaims"]
