"""The search core that is compiled: take steps once, number folios, keep a set of states, exactly.

A state is a short key: for each task the number of its control state (which path, where in it, its
registers: few are ever met), and the bits of the rest in which some state differs from the first.

What a step does depends on what it looks at, and the compiled paths leave a mark on that (jit.py
`seen`). So a step is taken once and remembered under the control state of its task and the values
that it saw; in every state that agrees in those it is looked up, which leaves the others of the
state as they are. What is remembered is found by a tree: a task's control state has a list of masks
(what was seen), each with the values met; a list that grows long is split by what all its masks
share. Promises are judged and folios renumbered by the same memory.

Everything here is integers and arrays; unsigned 64-bit arithmetic stays in `u8` names, since mixing
it with signed integers would make floats.
"""

from __future__ import annotations

import numpy as np

from pagefault.consts import (
    BLOCKED,
    BUG_LIVELOCK,
    CALLED,
    MOVED,
    NR_CHOICES,
    RETURNED,
    SPINNING,
    YIELDED,
)
from pagefault.jit import (
    call_path,
    compiled,
    entry,
    fetch_and_add,
    inlined,
    put_if_empty,
    seen_item,
)

# Slots of `paths` that every kernel has; its paths follow.
SWITCH_TO = 0
JUDGE = 1

# A statement in `program[t, i]`: path id, number of operands, destination, then operand pairs.
OP_PATH = 0
OP_ARGS = 1
OP_DEST = 2
OP_FIRST = 3

# Counters in `meta`.
COUNT = 0  # states found
VALUES = 1  # values found of the shared part of a key
NUMBERED = 2  # a key has the number of that value, not the value itself
BITS = 3  # bits of the shared part whose numbers this worker knows
TASKS = 4
STOP_AT_YIELD = 5
CANONICAL = 6
DEPTH = 7
TRANSITIONS = 8
MENTIONED = 9  # frames that the state at hand mentions
NEED = 10  # why the state at hand cannot be expanded now: one of the reasons below
ROWS = 12  # of what is remembered
OUTS = 13
MASKS = 14
NODES = 15
RENAMINGS = 16
TAKEN = 17  # steps that were taken and not looked up
ME = 19  # the number of this worker
WORKERS = 20
CLAIM = 21  # of a level, this worker has in hand its states from this one on
CLAIM_END = 22
CLAIM_OF = 23  # whose states they are
LISTED = 24  # states that are expanded only to see where they lead; -1: all are, to be searched
NEXT = 25  # the one of them to expand next
EDGES = 26
REDUCED = 27  # steps that nobody can tell from doing nothing are taken alone
SPREAD = 28  # a task saw or touched what another was taken to have for itself
CONTROL_SEEN = 29  # a task or a promise looked into a control state, or a task changed another's
ALONE = 30  # states of which one step only was taken
NOTED = 31  # it is noted what each task touches, so that steps can be taken alone
NR_META = 40

# Why a chunk ended.
DONE = 0
LIMIT = 1
GROW_STATES = 2
GROW_KEY = 3
GROW_LOCALS = 4
GROW_MEMORY = 5
GROW_EDGES = 6
GROW_VALUES = 7

MAX_SUCCESSORS = 4096  # of one task in one state
PACK = 16  # what is remembered of a step: its first outcome above this many bits, below it how many
PACKED = (1 << PACK) - 1
BY_MASK = 40  # what is known, with the number of the mask that it was found by, plus 1, above it
KNOWN = (1 << BY_MASK) - 1
HEADER = 8  # words of a task's record before its frames, at most
BATCH = 64  # successors that are looked up together
SPLIT_AT = 6  # masks in a list

# Word 0 of a row of the memory: the number of a mask, plus 1, or one of these and names of frames.
OF_NAMING = np.uint64(1 << 60)
OF_RENAMING = np.uint64(2 << 60)
OF_RENAMED_LOCAL = np.uint64(3 << 60)

# What is known of a state in `flags`, above how it ends.
LEADS_ON = 4
END_MASK = 3

# Fields of `outs.info`.
INFO_KIND = 0
INFO_BROKEN = 1
INFO_BUG = 2
INFO_NAMES = 3  # it changed who names which frame
INFO_RECORD = 4  # the last frame whose records it changed
INFO_VISIBLE = 5  # it changed what a promise looks at
INFO_OWN = 6  # nobody else can tell whether it was taken
INFO_CONTROL = 7  # the control state that the step begins in
NR_INFO = 8
NOT_RUNNING = -1
JUDGED = 0  # the node under which judgements are remembered
SPIN_LIMIT = 10_000
CHOICE_BITS = 3  # of each choice in a packed move; the task has the lowest 4 bits
CHOICE_MASK = (1 << CHOICE_BITS) - 1

# Rows of `first`: the state and the move that broke something first.
ROW_PROPERTIES = 32  # before it, a row for each bit of st.broken
ROW_BUGS = 64
NR_ROWS = 128

FINAL = 1
STUCK = 2
DEADLOCK = 3

U = np.uint64  # an index that is one is never negative: no code to ask for that
ONE = np.uint64(1)
ZERO = np.uint64(0)
TAG_SHIFT = np.uint64(32)
MIX = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)
ID_MASK = np.uint64(0xFFFF)
NIBBLE = np.uint64(15)
FOUR = np.uint64(4)
LOW32 = np.uint64(0xFFFFFFFF)
DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
TOP6 = np.uint64(58)


def _bit_numbers():
    table = np.zeros(64, dtype=np.int64)
    for i in range(64):
        table[((0x03F79D71B4CB0A89 << i) & 0xFFFFFFFFFFFFFFFF) >> 58] = i
    return table


BIT_NUMBER = _bit_numbers()


def _odd_numbers():
    """Odd numbers that have nothing to do with each other, by splitmix64."""
    numbers = np.zeros(64, dtype=np.uint64)
    for i in range(64):
        z = (i + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        z = (z ^ z >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        numbers[i] = (z ^ z >> 31) | 1
    return numbers


ODD = _odd_numbers()


@compiled
def lowest_bit(x):
    """The number of the lowest bit that is set in a uint64 that is not 0."""
    low = x & (~x + ONE)
    return BIT_NUMBER[np.int64((low * DE_BRUIJN) >> TOP6)]


# --- one step ----------------------------------------------------------------------------------


@compiled
def take_step(st, t, paths, slot, program, stop_at_yield):
    """explore/engine.py Engine.step(): run task `t` to its next stop."""
    task = st.task[t]
    if call_path(paths[SWITCH_TO], st, t) == 0:
        return BLOCKED
    statement = program[t, task.ip]
    if task.depth == 0:
        frame = task.frame[0]
        frame.path = statement[OP_PATH]
        frame.pc = 0
        for i in range(statement[OP_ARGS]):
            source = statement[OP_FIRST + 2 * i]
            value = statement[OP_FIRST + 2 * i + 1]
            if source >= 0:
                value = seen_item(st.task[source].reg, value)
            frame.reg[i] = value
        task.depth = 1
    switches = 0
    for _ in range(SPIN_LIMIT):
        outcome = call_path(paths[slot[task.frame[task.depth - 1].path]], st, t)
        if st.bug != 0:
            return MOVED
        if outcome == RETURNED:
            if task.depth == 0:
                if statement[OP_DEST] >= 0:
                    task.reg[statement[OP_DEST]] = task.retval
                task.retval = 0
                task.ip += 1
                return MOVED
        elif outcome == YIELDED:
            if stop_at_yield:
                return MOVED
            switches += 1
        elif outcome != CALLED:
            return outcome
    if switches:
        return SPINNING
    st.bug = BUG_LIVELOCK
    return MOVED


@compiled
def clear_choices(st):
    """The answers of a step are no part of the state that it leads to."""
    st.nr_choices = 0
    for i in range(NR_CHOICES):
        st.choice[i] = 0
        st.arity[i] = 0


# --- what workers share --------------------------------------------------------------------------


@inlined
def lock(count):
    """Wait until nobody else numbers such things: `count` says how many there are, and this."""
    while not put_if_empty(count, 1, 1):
        pass


@inlined
def unlock(count):
    """The inverse of lock(). What was written before is there for whoever comes next."""
    fetch_and_add(count, 1, -1)


# --- keys ----------------------------------------------------------------------------------------


@inlined
def mix(h, x):
    """Stir a word into a hash."""
    h = (h ^ x) * MIX
    return h ^ (h >> HALF)


@compiled
def number_bit(bit, where, bits, memo, meta):
    """The number in the key of a bit of the record that is no control state; -1 if no room."""
    k = bits.number_of[bit]
    if k < 0:
        lock(bits.count)
        k = bits.number_of[bit]
        if k < 0 and bits.count[0] < len(bits.bit_of):
            k = bits.count[0]
            bits.bit_of[k] = bit
            in_key = ONE << np.uint64(k & 63)
            in_word = ONE << np.uint64(bit & 63)
            w = bit >> 6
            if where.naming_bits[w] & in_word != ZERO:
                bits.naming[k >> 6] |= in_key
            if (where.naming_bits[w] | where.record_bits[w]) & in_word != ZERO:
                bits.renaming[k >> 6] |= in_key
            bits.number_of[bit] = k
            bits.count[0] = k + 1
        unlock(bits.count)
    if k < 0:
        meta[NEED] = GROW_KEY
    elif k >= meta[BITS]:
        learn_bits(where, bits, memo, meta)
    return k


@compiled
def learn_bits(where, bits, memo, meta):
    """Bring masks up to date with the bits that were numbered, before a state has them.

    Whoever looked at a bit when it had no number saw it as it is in the first state.
    """
    lock(bits.count)
    for m in range(meta[MASKS]):
        for k in range(meta[BITS], bits.count[0]):
            bit = bits.bit_of[k]
            if memo.marks[m, where.scan_at[bit >> 6]] >> np.uint64(bit & 63) & ONE != ZERO:
                memo.mask[m, k >> 6] |= ONE << np.uint64(k & 63)
    meta[BITS] = bits.count[0]
    unlock(bits.count)


# --- what is remembered ------------------------------------------------------------------------


@inlined
def row_hash(kind, key, ids, masks):
    """The hash of a row of the memory, see recall()."""
    h = kind * ODD[63]
    for w in range(len(masks)):
        h += (key[U(ids + w)] & masks[w]) * ODD[w & 63]
    h = (h ^ (h >> HALF)) * MIX
    return h ^ (h >> HALF)


@inlined
def recall(memo, kind, key, ids, masks):
    """The number of the row of the memory for what a key holds under some masks; -1 if there is
    none. `kind` is its first word, never 0."""
    h = row_hash(kind, key, ids, masks)
    last = np.uint64(len(memo.index) - 1)
    i = h & last
    while memo.index[i] != ZERO:
        entry = memo.index[i]
        if entry >> TAG_SHIFT == h >> TAG_SHIFT:
            n = (entry & LOW32) - ONE
            same = memo.table[n, 0] == kind
            for w in range(len(masks)):
                if memo.table[n, w + 1] != key[U(ids + w)] & masks[w]:
                    same = False
                    break
            if same:
                return np.int64(n)
        i = (i + ONE) & last
    return -1


@inlined
def recalled(table, row):
    """What is kept in a row."""
    return np.int64(table[U(row), U(table.shape[1] - 1)])


@inlined
def put_in_index(index, h, row):
    """Let a row that is not there be found by its hash."""
    last = np.uint64(len(index) - 1)
    i = h & last
    while index[i] != ZERO:
        i = (i + ONE) & last
    index[i] = ((h >> TAG_SHIFT) << TAG_SHIFT) | np.uint64(row + 1)


@compiled
def keep(memo, kind, key, ids, masks, value, meta):
    """Enter a row that is not there. Whoever calls has seen to it that there is room."""
    n = meta[ROWS]
    meta[ROWS] = n + 1
    memo.table[n, 0] = kind
    for w in range(len(masks)):
        memo.table[n, w + 1] = key[ids + w] & masks[w]
    memo.table[n, memo.table.shape[1] - 1] = np.uint64(value)
    put_in_index(memo.index, row_hash(kind, key, ids, masks), n)


@entry
def refill_memory(memo, count):
    """Enter all rows into an index that is empty. Returns how many."""
    for n in range(count):
        row = memo.table[n]
        put_in_index(memo.index, row_hash(row[0], row, 1, memo.all), n)
    return count


@inlined
def look_up(memo, root, key, ids):
    """What is remembered of this key under a root, with the mask that it was found by; 0 if
    nothing."""
    node = root
    while memo.is_split[U(node)]:
        m = memo.first[U(node)]
        n = recall(memo, U(m + 1), key, ids, memo.mask[U(m)])
        if n < 0:
            return 0
        node = recalled(memo.table, n)
    m = memo.first[U(node)]
    last = -1
    while m >= 0:
        n = recall(memo, U(m + 1), key, ids, memo.mask[U(m)])
        if n >= 0:
            if last >= 0:  # what was of use is tried first the next time
                memo.next[U(last)] = memo.next[U(m)]
                memo.next[U(m)] = memo.first[U(node)]
                memo.first[U(node)] = m
            return recalled(memo.table, n) | (m + 1) << BY_MASK
        last = m
        m = memo.next[U(m)]
    return 0


@compiled
def has_room(memo, meta):
    """Whether the memory takes what one step may add; says that it must grow if not."""
    if (
        2 * (meta[ROWS] + 16) > len(memo.index)
        or meta[MASKS] + 4 > len(memo.mask)
        or meta[NODES] + 4 > len(memo.first)
    ):
        meta[NEED] = GROW_MEMORY
        return False
    return True


@compiled
def new_node(memo, meta):
    """An empty list of masks."""
    node = meta[NODES]
    meta[NODES] = node + 1
    memo.first[node] = -1
    memo.is_split[node] = 0
    memo.limit[node] = SPLIT_AT
    for w in range(memo.fixed.shape[1]):
        memo.fixed[node, w] = ZERO
    return node


@compiled
def new_mask(memo, bits, where, meta):
    """A mask of the marks in the last row of `memo.marks`, which is room to work in."""
    m = meta[MASKS]
    meta[MASKS] = m + 1
    work = len(memo.marks) - 1
    for w in range(memo.mask.shape[1]):
        memo.mask[m, w] = ZERO
    for i in range(memo.marks.shape[1]):
        marks = memo.marks[work, i]
        memo.marks[m, i] = marks
        while marks != ZERO:
            k = bits.number_of[np.int64(where.scan[i]) * 64 + lowest_bit(marks)]
            marks &= marks - ONE
            if k >= 0:
                memo.mask[m, k >> 6] |= ONE << np.uint64(k & 63)
    memo.next[m] = -1
    return m


@compiled
def same_marks(marks, m, n):
    """Whether two masks are the same."""
    for i in range(marks.shape[1]):  # noqa: SIM110  # as above
        if marks[m, i] != marks[n, i]:
            return False
    return True


@compiled
def split(memo, node, bits, where, meta):
    """Make a list that grew long a branch by what all its masks share. False if that is no news.

    What was remembered in the list is forgotten.
    """
    work = len(memo.marks) - 1
    m = memo.first[node]
    while m >= 0:
        for i in range(memo.marks.shape[1]):
            memo.marks[work, i] &= memo.marks[m, i]
        m = memo.next[m]
    shared = new_mask(memo, bits, where, meta)
    for w in range(memo.mask.shape[1]):
        if memo.mask[shared, w] & ~memo.fixed[node, w] != ZERO:
            memo.first[node] = shared
            memo.is_split[node] = 1
            return True
    meta[MASKS] -= 1
    memo.limit[node] *= 2
    return False


@compiled
def leaf_of(memo, root, key, ids, meta):
    """The list that a key belongs to, made if need be."""
    node = root
    while memo.is_split[node]:
        m = memo.first[node]
        n = recall(memo, np.uint64(m + 1), key, ids, memo.mask[m])
        if n >= 0:
            node = recalled(memo.table, n)
        else:
            child = new_node(memo, meta)
            for w in range(memo.fixed.shape[1]):
                memo.fixed[child, w] = memo.fixed[node, w] | memo.mask[m, w]
            keep(memo, np.uint64(m + 1), key, ids, memo.mask[m], child, meta)
            node = child
    return node


@compiled
def remember(machine, memo, root, key, value, bits, where, meta):
    """Keep `value` for all keys that agree with this one in what has marks now.

    Returns what look_up() then would, and 0 if it was not kept.
    """
    if not has_room(memo, meta):
        return 0
    work = len(memo.marks) - 1
    node = leaf_of(memo, root, key, where.id_words, meta)
    for i in range(len(where.scan)):
        w = where.scan[i]
        memo.marks[work, i] = machine.marks[w] & ~where.local_bits[w]
    last = -1
    count = 0
    m = memo.first[node]
    while m >= 0 and not same_marks(memo.marks, m, work):
        last = m
        m = memo.next[m]
        count += 1
    if m < 0:
        if count >= memo.limit[node] and split(memo, node, bits, where, meta):
            return 0  # the next time will do
        if count >= memo.limit[node]:
            return 0
        m = new_mask(memo, bits, where, meta)
        if last < 0:
            memo.first[node] = m
        else:
            memo.next[last] = m
    kind = np.uint64(m + 1)
    if recall(memo, kind, key, where.id_words, memo.mask[m]) < 0:
        keep(memo, kind, key, where.id_words, memo.mask[m], value, meta)
    return value | (m + 1) << BY_MASK


@compiled
def root_of(control, memo, c, meta):
    """Where what is known of a control state begins; -1 if there is no room for it."""
    if memo.root[c] < 0:
        if not has_room(memo, meta):
            return -1
        memo.root[c] = new_node(memo, meta)
    return memo.root[c]
