"""As fences-need-memory, and the OOM reaper's invalidations may wait: everybody waits for ever.

What commit 93065ac753e4 (4.19) by Michal Hocko keeps from happening: the job waits for memory that
only the reaper can give, the reaper for the job's fence.
"""

PARTS = ["user-map-notifier-blocks", "leaving-needs-memory", "oom-reaper-may-wait"]
