"""Where the kernel or the hardware may do one thing or another, every branch is taken."""

from pagefault.consts import BUG_CHOICE_OVERFLOW, NR_CHOICES


def choose(st, n):
    """One of 0..n-1. The explorer runs the step once for each.

    `st.choice` holds the answers for this step, `st.arity` takes down how many there were.
    """
    if n <= 1:
        return 0
    i = st.nr_choices
    if i >= NR_CHOICES:
        VM_BUG_ON(st, 1, BUG_CHOICE_OVERFLOW)
        return 0
    st.nr_choices = i + 1
    st.arity[i] = n
    return st.choice[i]


def VM_BUG_ON(st, condition, code):
    """An impossible situation: a finding with a path. include/linux/mmdebug.h VM_BUG_ON()."""
    if condition and st.bug == 0:
        st.bug = code
