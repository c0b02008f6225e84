"""A task is told to die. Models kernel/signal.c, as far as mm/ looks at it.

What is killed ends where it next returns to user space, or where the kernel looks. Left out: that
nothing of its program comes after; a program lets it do nothing more.
"""

from pagefault.consts import SIGKILL


def fatal_signal_pending(st, t):
    """include/linux/sched/signal.h fatal_signal_pending(), v6.12."""
    return st.task[t].signal == SIGKILL


def sys_kill(st, t, task):
    """kernel/signal.c kill(), v6.12, of SIGKILL: 0."""
    st.task[task].signal = SIGKILL
    return 0
