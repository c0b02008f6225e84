"""Sixteen dining philosophers, of whom the last takes his forks in the other order.

A design for pagefault's linker, so that the toy runs on the search core as a kernel does. It has
room for few tasks, so a task seats four philosophers, and which of those who can go on does is a
choice(). 0: thinks, 1: has his first fork, 2: has both; he puts both down at once.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from pagefault.consts import BLOCKED
from pagefault.hw.choice import choose

SEATS = 16
EACH = 4


def _fork_is_free(st, seat, taken):
    """The fork that philosopher `seat` wants next, who has `taken` so far. A fork lies between two:
    the left one's second (the last philosopher's first), the right one's first (his second)."""
    if seat == SEATS - 1:
        if taken == 0:
            return st.task[0].private[0] == 0
        return st.task[(seat - 1) // EACH].private[(seat - 1) % EACH] != 2
    if taken == 1:
        right = st.task[(seat + 1) // EACH].private[(seat + 1) % EACH]
        if seat == SEATS - 2:
            return right != 2
        return right == 0
    if seat == 0:
        return st.task[(SEATS - 1) // EACH].private[(SEATS - 1) % EACH] == 0
    return st.task[(seat - 1) // EACH].private[(seat - 1) % EACH] != 2


def _can_go_on(st, t, i):
    phase = st.task[t].private[i]
    return phase == 2 or _fork_is_free(st, t * EACH + i, phase)


def _how_many_can(st, t):
    n = 0
    for i in range(EACH):
        if _can_go_on(st, t, i):
            n += 1
    return n


def _let_one_go_on(st, t, picked):
    k = picked
    for i in range(EACH):
        if k >= 0 and _can_go_on(st, t, i):
            if k == 0:
                if st.task[t].private[i] == 2:
                    st.task[t].private[i] = 0
                else:
                    st.task[t].private[i] += 1
            k -= 1


def dma_write(st, t, pin, cell, value):
    """For ever: one of the philosophers here who can go on does."""
    while True:
        yield "at the table"
        while _how_many_can(st, t) == 0:
            yield BLOCKED
        _let_one_go_on(st, t, choose(st, _how_many_can(st, t)))
