"""The OOM reaper lets callbacks of mmu notifiers wait: before 4.19.

Commit 93065ac753e4 by Michal Hocko (4.19, "mm, oom: distinguish blockable mode for mmu notifiers")
made callbacks return -EAGAIN instead; before 4.19 the reaper left alone who had such callbacks.
"""


def mmu_notifier_range_blockable(blockable):
    return 1
