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
    BUG_CHOICE_OVERFLOW,
    BUG_LIVELOCK,
    CALLED,
    MOVED,
    NR_CHOICES,
    NR_PFN,
    PAGE_TABLE,
    PFN_SHIFT,
    PTE_HAS_PFN,
    RETURNED,
    TASK_RUNNING,
    WAITING,
    YIELDED,
)
from pagefault.jit import compiled, inlined, seen, seen_item

# Slots of `paths` that every kernel has; its paths follow.
SWITCH_TO = 0
JUDGE = 1

# A statement in `program[t, i]`: path id, number of operands, destination, then operand pairs.
OP_PATH = 0
OP_ARGS = 1
OP_DEST = 2
OP_FIRST = 3

# Counters in `meta`.
HEAD = 0  # the state to expand next
COUNT = 1  # states found
BITS = 2  # bits of the shared part of a key in use
TASKS = 3
STOP_AT_YIELD = 4
CANONICAL = 5
DEPTH = 6
LEVEL_END = 7
TRANSITIONS = 8
MENTIONED = 9  # frames that the state at hand mentions
NEED = 10  # why the state at hand cannot be expanded now: one of the reasons below
LOCALS = 11  # control states met
ROWS = 12  # of what is remembered
OUTS = 13
MASKS = 14
NODES = 15
RENAMINGS = 16
TAKEN = 17  # steps that were taken and not looked up
FROZEN = 18  # what threads share must not change now
NR_META = 24

# Why a chunk ended.
DONE = 0
LIMIT = 1
GROW_STATES = 2
GROW_KEY = 3
GROW_LOCALS = 4
GROW_MEMORY = 5
THAW = 6  # what the threads share must change

MAX_SUCCESSORS = 4096  # of one task in one state
PACK = 16  # what is remembered of a step: its first outcome above this many bits, below it how many
PACKED = (1 << PACK) - 1
HEADER = 8  # words of a task's record before its frames, at most
BATCH = 64  # successors that are looked up together
SPLIT_AT = 6  # masks in a list

# Word 0 of a row of the memory: the number of a mask, or one of these and names of frames.
OF_NAMING = np.uint64(1 << 60)
OF_RENAMING = np.uint64(2 << 60)
OF_RENAMED_LOCAL = np.uint64(3 << 60)

# What is known of a state in `flags`, above how it ends.
LEADS_ON = 4
END_MASK = 3

# Fields of `outs.info`.
INFO_KIND = 0
INFO_MOVE = 1
INFO_BROKEN = 2
INFO_BUG = 3
INFO_NAMES = 4  # it changed who names which frame
INFO_RECORD = 5  # the last frame whose records it changed
NR_INFO = 6
NOT_RUNNING = -1
JUDGED = 0  # the node under which judgements are remembered
SPIN_LIMIT = 10_000
CHOICE_BITS = 4  # of each choice in a packed move; the task has the lowest 4 bits
MAX_CHOICES = 13

# Rows of `first`: the state and the move that broke something first.
ROW_PROPERTIES = 32  # before it, a row for each bit of st.broken
ROW_BUGS = 64
NR_ROWS = 128

FINAL = 1
STUCK = 2
DEADLOCK = 3

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
    if paths[SWITCH_TO](st, t) == 0:
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
    for _ in range(SPIN_LIMIT):
        outcome = paths[slot[task.frame[task.depth - 1].path]](st, t)
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
        elif outcome != CALLED:
            return outcome
    st.bug = BUG_LIVELOCK
    return MOVED


@compiled
def clear_choices(st):
    """The answers of a step are no part of the state that it leads to."""
    st.nr_choices = 0
    for i in range(NR_CHOICES):
        st.choice[i] = 0
        st.arity[i] = 0


# --- keys ----------------------------------------------------------------------------------------


@inlined
def mix(h, x):
    """Stir a word into a hash."""
    h = (h ^ x) * MIX
    return h ^ (h >> HALF)


@inlined
def hash_of(row):
    """The hash of some words."""
    h = ZERO
    for w in range(len(row)):
        h = mix(h, row[w])
    return h


@inlined
def control_of(key, t):
    """The number of the control state that task `t` is in."""
    return np.int64((key[t >> 2] >> np.uint64(16 * (t & 3))) & ID_MASK)


@compiled
def put_control(key, t, number):
    """The inverse of control_of()."""
    shift = np.uint64(16 * (t & 3))
    key[t >> 2] = (key[t >> 2] & ~(ID_MASK << shift)) | (np.uint64(number) << shift)


@compiled
def number_bit(bit, where, keys, memo, meta):
    """The number in the key of a bit of the record that is no control state; -1 if no room.

    Whoever looked at it when it had no number saw it as it is in the first state.
    """
    k = keys.number_of[bit]
    if k >= 0:
        return k
    k = meta[BITS]
    if meta[FROZEN]:
        meta[NEED] = THAW
        return -1
    if k >= len(keys.bit_of):
        meta[NEED] = GROW_KEY
        return -1
    meta[BITS] = k + 1
    keys.number_of[bit] = k
    keys.bit_of[k] = bit
    in_key = ONE << np.uint64(k & 63)
    in_word = ONE << np.uint64(bit & 63)
    w = bit >> 6
    if where.naming_bits[w] & in_word != ZERO:
        keys.naming[k >> 6] |= in_key
    if (where.naming_bits[w] | where.record_bits[w]) & in_word != ZERO:
        keys.renaming[k >> 6] |= in_key
    for m in range(meta[MASKS]):
        if memo.marks[m, where.scan_at[w]] & in_word != ZERO:
            memo.mask[m, k >> 6] |= in_key
    return k


@compiled
def renumber_masks(where, keys, memo, meta):
    """Bring masks up to date with bits that another thread numbered. Returns how many masks."""
    for m in range(meta[MASKS]):
        for k in range(meta[BITS]):
            bit = keys.bit_of[k]
            if memo.marks[m, where.scan_at[bit >> 6]] >> np.uint64(bit & 63) & ONE != ZERO:
                memo.mask[m, k >> 6] |= ONE << np.uint64(k & 63)
    return meta[MASKS]


# --- control states ----------------------------------------------------------------------------


@compiled
def names_in_registers(st, t, registers):
    """The frames that a task's registers name, four bits each, in order."""
    task = st.task[t]
    sequence = ZERO
    shift = ZERO
    found = ZERO
    for d in range(task.depth):
        frame = task.frame[d]
        row = registers[frame.path]
        for i in range(1, 1 + row[0]):
            value = np.int64(frame.reg[row[i] >> 1])
            if value > 0:
                p = np.uint64(named_pfn(value, row[i] & 1))
                if p > ZERO and p < np.uint64(NR_PFN) and (found >> p) & ONE == ZERO:
                    found |= ONE << p
                    sequence |= p << shift
                    shift += FOUR
    return sequence


@compiled
def same_control(row, words, where, t, n):
    """Whether a row of control states is what task `t` is in; `n` words of frames are in use."""
    start = where.header[t, 0]
    for k in range(where.header[t, 1]):
        if row[k] != words[start + k] & where.local_bits[start + k]:
            return False
    for k in range(n):  # noqa: SIM110  # Numba has no generators in all()
        if row[HEADER + k] != words[where.frames[0, t] + k]:
            return False
    return True


@compiled
def control_number(st, words, where, control, memo, registers, t, meta):
    """The number of the control state that task `t` is in, entered if new; -1 if no room."""
    n = np.int64(st.task[t].depth) * (where.frames[1, 0] // 8)
    start = where.header[t, 0]
    h = mix(ZERO, np.uint64(t))
    for k in range(where.header[t, 1]):
        h = mix(h, words[start + k] & where.local_bits[start + k])
    for k in range(n):
        h = mix(h, words[where.frames[0, t] + k])
    last = np.uint64(len(control.table) - 1)
    i = h & last
    while control.table[i] != 0:
        c = control.table[i] - 1
        if control.task[c] == t and control.used[c] == n:
            if same_control(control.rows[c], words, where, t, n):
                return c
        i = (i + ONE) & last
    c = meta[LOCALS]
    if meta[FROZEN]:
        meta[NEED] = THAW
        return -1
    if c >= len(control.rows):
        meta[NEED] = GROW_LOCALS
        return -1
    meta[LOCALS] = c + 1
    control.table[i] = c + 1
    control.task[c] = t
    control.used[c] = n
    control.names[c] = names_in_registers(st, t, registers)
    for k in range(where.header[t, 1]):
        control.rows[c, k] = words[start + k] & where.local_bits[start + k]
    for k in range(n):
        control.rows[c, HEADER + k] = words[where.frames[0, t] + k]
    return c


@compiled
def first_key(machine, where, control, memo, registers, meta):
    """Put what the record holds now into `machine.loaded`. Returns how many tasks."""
    for t in range(meta[TASKS]):
        st = machine.states[0]
        c = control_number(st, machine.words, where, control, memo, registers, t, meta)
        put_control(machine.loaded, t, c)
    return meta[TASKS]


@compiled
def refill_control(where, control, count):
    """Enter all control states into an empty table. Returns how many."""
    last = np.uint64(len(control.table) - 1)
    for c in range(count):
        h = mix(ZERO, np.uint64(control.task[c]))
        for k in range(where.header[control.task[c], 1]):
            h = mix(h, control.rows[c, k])
        for k in range(control.used[c]):
            h = mix(h, control.rows[c, HEADER + k])
        i = h & last
        while control.table[i] != 0:
            i = (i + ONE) & last
        control.table[i] = c + 1
    return count


@compiled
def load_control(words, base, where, control, t, old, new):
    """Put a task of the record from one control state into another."""
    start = where.header[t, 0]
    for k in range(where.header[t, 1]):
        w = start + k
        words[w] = (words[w] & ~where.local_bits[w]) | control.rows[new, k]
        base[w] = words[w]
    for k in range(max(control.used[old], control.used[new])):
        w = where.frames[0, t] + k
        words[w] = control.rows[new, HEADER + k] if k < control.used[new] else ZERO
        base[w] = words[w]


@compiled
def load_state(machine, where, keys, control, key, meta):
    """Make the record that of a key."""
    words = machine.words
    base = machine.base
    loaded = machine.loaded
    ids = where.id_words
    for w in range(ids, len(key)):
        d = key[w] ^ loaded[w]
        while d != ZERO:
            bit = keys.bit_of[(w - ids) * 64 + lowest_bit(d)]
            d &= d - ONE
            words[bit >> 6] ^= ONE << np.uint64(bit & 63)
            base[bit >> 6] = words[bit >> 6]
        loaded[w] = key[w]
    for t in range(meta[TASKS]):
        old = control_of(loaded, t)
        new = control_of(key, t)
        if old != new:
            load_control(words, base, where, control, t, old, new)
    for w in range(ids):
        loaded[w] = key[w]


# --- what is remembered ------------------------------------------------------------------------


@inlined
def find_row(table, rows, row):
    """The number of a row of the memory, -1 if it is not there."""
    h = hash_of(row)
    last = np.uint64(len(table) - 1)
    i = h & last
    while table[i] != ZERO:
        entry = table[i]
        if entry >> TAG_SHIFT == h >> TAG_SHIFT:
            n = np.int64(entry & LOW32) - 1
            same = True
            for w in range(len(row)):
                if rows[n, w] != row[w]:
                    same = False
                    break
            if same:
                return n
        i = (i + ONE) & last
    return -1


@compiled
def add_row(memo, row, value, meta):
    """Enter a row that is not there. Whoever calls has seen to it that there is room."""
    n = meta[ROWS]
    meta[ROWS] = n + 1
    h = hash_of(row)
    last = np.uint64(len(memo.table) - 1)
    i = h & last
    while memo.table[i] != ZERO:
        i = (i + ONE) & last
    memo.table[i] = ((h >> TAG_SHIFT) << TAG_SHIFT) | np.uint64(n + 1)
    for w in range(len(row)):
        memo.rows[n, w] = row[w]
    memo.value[n] = value


@compiled
def refill_rows(memo, count):
    """Enter all rows into an empty table. Returns how many."""
    last = np.uint64(len(memo.table) - 1)
    for n in range(count):
        h = hash_of(memo.rows[n])
        i = h & last
        while memo.table[i] != ZERO:
            i = (i + ONE) & last
        memo.table[i] = ((h >> TAG_SHIFT) << TAG_SHIFT) | np.uint64(n + 1)
    return count


@inlined
def project(masks, m, key, ids, row):
    """What a key holds under mask `m`, as a row."""
    row[0] = np.uint64(m)
    for w in range(len(row) - 1):
        row[w + 1] = key[ids + w] & masks[m, w]


@inlined
def look_up(memo, root, key, ids):
    """What is remembered of this key under a root, -1 if nothing."""
    row = memo.row
    node = root
    while memo.is_split[node]:
        project(memo.mask, memo.first[node], key, ids, row)
        n = find_row(memo.table, memo.rows, row)
        if n < 0:
            return -1
        node = memo.value[n]
    m = memo.first[node]
    while m >= 0:
        project(memo.mask, m, key, ids, row)
        n = find_row(memo.table, memo.rows, row)
        if n >= 0:
            return memo.value[n]
        m = memo.next[m]
    return -1


@compiled
def has_room(memo, meta):
    """Whether the memory takes what one step may add; says that it must grow if not."""
    if (
        meta[ROWS] + 16 > len(memo.rows)
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
def new_mask(memo, keys, where, meta):
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
            k = keys.number_of[np.int64(where.scan[i]) * 64 + lowest_bit(marks)]
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
def split(memo, node, keys, where, meta):
    """Make a list that grew long a branch by what all its masks share. False if that is no news.

    What was remembered in the list is forgotten.
    """
    work = len(memo.marks) - 1
    m = memo.first[node]
    while m >= 0:
        for i in range(memo.marks.shape[1]):
            memo.marks[work, i] &= memo.marks[m, i]
        m = memo.next[m]
    shared = new_mask(memo, keys, where, meta)
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
        project(memo.mask, m, key, ids, memo.row)
        n = find_row(memo.table, memo.rows, memo.row)
        if n >= 0:
            node = memo.value[n]
        else:
            child = new_node(memo, meta)
            for w in range(memo.fixed.shape[1]):
                memo.fixed[child, w] = memo.fixed[node, w] | memo.mask[m, w]
            add_row(memo, memo.row, child, meta)
            node = child
    return node


@compiled
def remember(machine, memo, root, key, value, keys, where, meta):
    """Keep `value` for all keys that agree with this one in what has marks now."""
    if not has_room(memo, meta):
        return
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
        if count >= memo.limit[node] and split(memo, node, keys, where, meta):
            return  # the next time will do
        if count >= memo.limit[node]:
            return
        m = new_mask(memo, keys, where, meta)
        if last < 0:
            memo.first[node] = m
        else:
            memo.next[last] = m
    project(memo.mask, m, key, where.id_words, memo.row)
    if find_row(memo.table, memo.rows, memo.row) < 0:
        add_row(memo, memo.row, value, meta)


@compiled
def root_of(control, memo, c, meta):
    """Where what is known of a control state begins; -1 if there is no room for it."""
    if memo.root[c] < 0:
        if not has_room(memo, meta):
            return -1
        memo.root[c] = new_node(memo, meta)
    return memo.root[c]


# --- steps and what they change ----------------------------------------------------------------


@compiled
def changed_words(words, base, where, t, n_frames, changed):
    """Which words of the record differ from the state that is being expanded; how many."""
    n = 0
    scan = where.scan
    for i in range(len(scan)):
        w = scan[i]
        if words[w] != base[w]:
            changed[n] = w
            n += 1
    first = np.uint64(where.frames[0, t])
    for i in range((n_frames * where.frames[1, 0] + 7) // 8):
        w = first + np.uint64(i)
        if words[w] != base[w]:
            changed[n] = w
            n += 1
    return n


@compiled
def changed_everywhere(words, base, where, st, meta, changed):
    """changed_words() over the frames of all tasks: a renaming reaches into each."""
    n = 0
    for i in range(len(where.scan)):
        w = where.scan[i]
        if words[w] != base[w]:
            changed[n] = w
            n += 1
    for t in range(meta[TASKS]):
        lo = where.frames[0, t]
        for w in range(lo, lo + where.frames[1, 1]):
            if words[w] != base[w]:
                changed[n] = w
                n += 1
    return n


@compiled
def clear_marks(machine, where):
    """Nothing has been seen."""
    for i in range(len(where.scan)):
        machine.marks[where.scan[i]] = ZERO


@compiled
def saw_control(machine, where, t):
    """Whether a control state other than that of task `t` has marks."""
    for i in range(len(where.scan)):
        w = where.scan[i]
        if machine.marks[w] & where.local_bits[w] != ZERO and where.owner[w] != t:
            return True
    return False


@compiled
def note_change(machine, where, keys, control, memo, outs, registers, o, t, frames, meta):
    """Fill in what a step of task `t` changed. True if it changed another's control state."""
    st = machine.states[0]
    words = machine.words
    base = machine.base
    delta = outs.delta[o]
    ids = where.id_words
    n = changed_words(words, base, where, t, frames, where.changed)
    others = False
    for i in range(n):
        w = where.changed[i]
        d = words[w] ^ base[w]
        if d & where.local_bits[w] != ZERO and where.owner[w] != t:
            others = True
        d &= ~where.local_bits[w]
        if d & where.naming_bits[w] != ZERO:
            outs.info[o, INFO_NAMES] = 1
        if d & where.record_bits[w] != ZERO:
            outs.info[o, INFO_RECORD] = max(outs.info[o, INFO_RECORD], where.last_frame[w])
        while d != ZERO:
            k = number_bit(np.int64(w) * 64 + lowest_bit(d), where, keys, memo, meta)
            if k < 0:
                return others
            d &= d - ONE
            delta[ids + (k >> 6)] |= ONE << np.uint64(k & 63)
    for u in range(meta[TASKS]):
        if u == t or others:
            old = control_of(machine.loaded, u)
            new = control_number(st, words, where, control, memo, registers, u, meta)
            if new < 0:
                return others
            delta[u >> 2] |= np.uint64(old ^ new) << np.uint64(16 * (u & 3))
            if control.names[old] != control.names[new]:
                outs.info[o, INFO_NAMES] = 1
    return others


@compiled
def take_back(machine, where, t, frames):
    """The state as it was before a step of task `t`."""
    n = changed_words(machine.words, machine.base, where, t, frames, where.changed)
    for i in range(n):
        machine.words[where.changed[i]] = machine.base[where.changed[i]]


@compiled
def take_steps(machine, where, keys, control, memo, outs, paths, work, t, key, root, meta):
    """Take the step of task `t`, once for each choice, and remember it.

    Returns the number of the first outcome and how many there are, packed. meta[NEED] if no room.
    """
    load_state(machine, where, keys, control, key, meta)
    clear_marks(machine, where)
    meta[TAKEN] += 1
    st = machine.states[0]
    task = st.task[t]
    depth = np.int64(task.depth)
    first = meta[OUTS]
    if first + MAX_SUCCESSORS > len(outs.info):
        meta[NEED] = GROW_MEMORY
        return 0
    n = 0
    others = False
    cv = work.choices
    ar = work.arities
    cv[:] = 0
    given = 0
    more = True
    while more and meta[NEED] == 0:
        o = first + n
        outs.info[o] = 0
        outs.delta[o] = ZERO
        for i in range(given):
            st.choice[i] = cv[i]
        outcome = NOT_RUNNING
        if seen(task, "state") == TASK_RUNNING:
            if task.depth > 0 or task.ip < work.lengths[t]:
                outcome = take_step(st, t, paths, work.slot, work.program, meta[STOP_AT_YIELD])
        nr = min(np.int64(st.nr_choices), NR_CHOICES)
        packed = np.int64(t) | np.int64(nr) << (4 + CHOICE_BITS * MAX_CHOICES)
        for i in range(nr):
            ar[i] = st.arity[i]
            if i < MAX_CHOICES:
                packed |= np.int64(st.choice[i]) << (4 + CHOICE_BITS * i)
        if nr > 0 or given > 0:
            clear_choices(st)
        if nr > MAX_CHOICES and st.bug == 0:
            st.bug = BUG_CHOICE_OVERFLOW
        outs.info[o, INFO_KIND] = outcome
        outs.info[o, INFO_MOVE] = packed
        frames = max(depth, np.int64(task.depth))
        broken = st.broken
        bug = st.bug
        st.broken = 0
        st.bug = 0
        if outcome == MOVED:
            outs.info[o, INFO_BROKEN] = broken
            outs.info[o, INFO_BUG] = bug
            if bug == 0:
                others |= note_change(
                    machine, where, keys, control, memo, outs, work.registers, o, t, frames, meta
                )
        take_back(machine, where, t, frames)
        n += 1
        more = False
        for i in range(nr - 1, -1, -1):
            if cv[i] + 1 < ar[i]:
                cv[i] += 1
                given = i + 1
                more = True
                break
        if more and n == MAX_SUCCESSORS:
            outs.info[o, INFO_KIND] = MOVED
            outs.info[o, INFO_BUG] = BUG_CHOICE_OVERFLOW
            more = False
    value = first << PACK | n
    if meta[NEED] == 0 and not others and not saw_control(machine, where, t):
        meta[OUTS] = first + n
        remember(machine, memo, root, key, value, keys, where, meta)
    return value


# --- names of frames, where they are not known ----------------------------------------------------


@compiled
def read_value(raw, at, width):
    """A signed little-endian integer of 1, 2 or 4 bytes."""
    value = np.int64(raw[at])
    for i in range(1, width):
        value |= np.int64(raw[at + i]) << (8 * i)
    half = np.int64(1) << (8 * width - 1)
    return value - 2 * half if value >= half else value


@compiled
def write_value(raw, at, width, value):
    """The inverse of read_value()."""
    for i in range(width):
        raw[at + i] = (value >> (8 * i)) & 255


@compiled
def named_pfn(value, is_pte):
    """The pfn that a leaf names, 0 if none."""
    if not is_pte:
        return value if value > 0 else 0
    if value & PTE_HAS_PFN and not value & PAGE_TABLE:
        return value >> PFN_SHIFT
    return 0


@compiled
def renamed_value(value, is_pte, names):
    """A leaf's value with the frame that it names renamed."""
    p = named_pfn(value, is_pte)
    if p <= 0 or p >= NR_PFN:
        return value
    if is_pte:
        return (names[p] << PFN_SHIFT) | (value & ((1 << PFN_SHIFT) - 1))
    return names[p]


@compiled
def mention(p, movable, found, order, n):
    """Frame `p` is mentioned: put it behind the `n` found so far, unless it is there."""
    if 0 < p < NR_PFN and movable[p] and not found[p]:
        found[p] = 1
        order[n] = p
        return n + 1
    return n


@compiled
def same_record(words, record_words, p, q):
    """Whether the records of two frames hold the same."""
    for k in range(record_words.shape[1]):
        if words[record_words[p, k]] != words[record_words[q, k]]:
            return False
    return True


@compiled
def find_names(raw, words, st, meta, where, registers, names, scratch):
    """canonical.py Canonical.naming(): fills `names`; 1 if it renames anything.

    `meta[MENTIONED]` is left with how many frames are mentioned.
    """
    movable = scratch[0]
    found = scratch[1]
    order = scratch[2]
    roots = where.roots
    for p in range(NR_PFN):
        movable[p] = 1 if p > 0 else 0
        found[p] = 0
        names[p] = p
    for p in range(NR_PFN):
        if st.folio[p].order != 0:
            for q in range(p, min(NR_PFN, p + (1 << st.folio[p].order))):
                movable[q] = 0
    n = 0
    for i in range(len(roots)):
        value = read_value(raw, roots[i, 0], roots[i, 1])
        if value != 0:
            n = mention(named_pfn(value, roots[i, 2]), movable, found, order, n)
    for t in range(meta[TASKS]):
        task = st.task[t]
        for d in range(task.depth):
            row = registers[task.frame[d].path]
            for i in range(1, 1 + row[0]):
                value = np.int64(task.frame[d].reg[row[i] >> 1])
                if value > 0:
                    n = mention(named_pfn(value, row[i] & 1), movable, found, order, n)
    i = 0
    while i < n:
        for k in range(where.inner.shape[1]):
            at = where.inner[order[i], k, 0]
            value = read_value(raw, at, where.inner[order[i], k, 1])
            n = mention(named_pfn(value, where.inner[order[i], k, 2]), movable, found, order, n)
        i += 1
    mentioned = n
    meta[MENTIONED] = n
    for p in range(1, st.nr_pfns):
        if movable[p] and not found[p]:
            k = n
            while (
                k > mentioned
                and not same_record(words, where.record_words, order[k - 1], p)
                and record_less(raw, where.records, order[k - 1], p)
            ):
                order[k] = order[k - 1]
                k -= 1
            order[k] = p
            n += 1
    changed = 0
    k = 0
    for p in range(1, st.nr_pfns):
        if movable[p]:
            names[order[k]] = p
            if order[k] != p:
                changed = 1
            k += 1
    return changed


@compiled
def record_less(raw, records, p, q):
    """Whether what the records of frame `p` hold is less than what those of `q` hold."""
    for k in range(records.shape[1]):
        a = read_value(raw, records[p, k, 0], records[p, k, 1])
        b = read_value(raw, records[q, k, 0], records[q, k, 1])
        if a != b:
            return a < b
    return False


@compiled
def rename_registers(st, t, registers, names):
    """rename_frames() for the registers of one task."""
    task = st.task[t]
    for d in range(task.depth):
        row = registers[task.frame[d].path]
        for i in range(1, 1 + row[0]):
            value = np.int64(task.frame[d].reg[row[i] >> 1])
            if value > 0:
                task.frame[d].reg[row[i] >> 1] = renamed_value(value, row[i] & 1, names)


@compiled
def rename_frames(raw, st, meta, where, registers, names, old):
    """canonical.py Canonical.rename()."""
    roots = where.roots
    for i in range(len(roots)):
        value = read_value(raw, roots[i, 0], roots[i, 1])
        if value != 0:
            new = renamed_value(value, roots[i, 2], names)
            write_value(raw, roots[i, 0], roots[i, 1], new)
    for t in range(meta[TASKS]):
        rename_registers(st, t, registers, names)
    records = where.records
    for p in range(st.nr_pfns):
        if names[p] != p:
            for k in range(records.shape[1]):
                old[p, k] = read_value(raw, records[p, k, 0], records[p, k, 1])
    for p in range(st.nr_pfns):
        if names[p] != p:
            to = names[p]
            for k in range(records.shape[1]):
                write_value(raw, records[to, k, 0], records[to, k, 1], old[p, k])
    for p in range(NR_PFN):
        for k in range(where.inner.shape[1]):
            at = where.inner[p, k, 0]
            width = where.inner[p, k, 1]
            value = read_value(raw, at, width)
            if value != 0:
                write_value(raw, at, width, renamed_value(value, where.inner[p, k, 2], names))


# --- names of frames -----------------------------------------------------------------------------


@inlined
def names_of_all(control, key, meta):
    """The frames that the registers of all tasks name, four bits each, in order."""
    sequence = ZERO
    shift = ZERO
    found = ZERO
    for t in range(meta[TASKS]):
        rest = control.names[control_of(key, t)]
        while rest != ZERO:
            p = rest & NIBBLE
            rest >>= FOUR
            if (found >> p) & ONE == ZERO:
                found |= ONE << p
                sequence |= p << shift
                shift += FOUR
    return sequence


@compiled
def pack_names(names):
    """A renaming in four bits a frame; frame 0 keeps its name."""
    packed = ZERO
    for p in range(1, NR_PFN):
        packed |= np.uint64(names[p]) << np.uint64(4 * (p - 1))
    return packed


@inlined
def name_row(keys, ids, kind, sequence, masks, key, row):
    """What a naming depends on, as a row of the memory."""
    row[0] = kind | sequence
    for w in range(len(row) - 1):
        row[w + 1] = key[ids + w] & masks[w]


@compiled
def mentions_in_order(machine, where, keys, control, memo, work, key, sequence, meta):
    """How many frames the state of a key mentions, doubled, plus 1 if they are numbered in order of
    mention."""
    load_state(machine, where, keys, control, key, meta)
    st = machine.states[0]
    find_names(machine.raw, machine.words, st, meta, where, work.registers, work.names, work.frames)
    value = 2 * meta[MENTIONED] + 1
    for i in range(meta[MENTIONED]):
        p = work.frames[2, i]
        if work.names[p] != p:
            value = 2 * meta[MENTIONED]
    name_row(keys, where.id_words, OF_NAMING, sequence, keys.naming, key, memo.row)
    if has_room(memo, meta):
        add_row(memo, memo.row, value, meta)
    return value


@compiled
def renaming_of(machine, where, keys, control, memo, work, key, sequence, meta):
    """The number of the renaming that makes the state of a key canonical; -1 if no room."""
    if not has_room(memo, meta):
        return -1
    if meta[RENAMINGS] == len(memo.new_names):
        meta[NEED] = GROW_MEMORY
        return -1
    load_state(machine, where, keys, control, key, meta)
    st = machine.states[0]
    words = machine.words
    base = machine.base
    r = meta[RENAMINGS]
    memo.delta[r] = ZERO
    renames = find_names(
        machine.raw, words, st, meta, where, work.registers, work.names, work.frames
    )
    memo.mentions[r] = meta[MENTIONED]
    memo.new_names[r] = pack_names(work.names) if renames else ZERO
    if renames:
        rename_frames(machine.raw, st, meta, where, work.registers, work.names, work.old)
        n = changed_everywhere(words, base, where, st, meta, where.changed)
        for i in range(n):
            w = where.changed[i]
            d = (words[w] ^ base[w]) & ~where.local_bits[w]
            words[w] = base[w]
            while d != ZERO and meta[NEED] == 0:
                k = number_bit(np.int64(w) * 64 + lowest_bit(d), where, keys, memo, meta)
                d &= d - ONE
                if k >= 0:
                    memo.delta[r, k >> 6] |= ONE << np.uint64(k & 63)
        if meta[NEED] != 0:
            return -1
    meta[RENAMINGS] = r + 1
    name_row(keys, where.id_words, OF_RENAMING, sequence, keys.renaming, key, memo.row)
    add_row(memo, memo.row, r, meta)
    return r


@inlined
def control_row(packed, c, row):
    """A renaming and a control state, as a row of the memory."""
    row[:] = ZERO
    row[0] = OF_RENAMED_LOCAL | packed
    row[1] = np.uint64(c)


@compiled
def renamed_control(machine, where, keys, control, memo, work, key, t, packed, meta):
    """The control state of task `t` with the frames that it names renamed; -1 if no room."""
    c = control_of(key, t)
    if not has_room(memo, meta):
        return -1
    load_state(machine, where, keys, control, key, meta)
    st = machine.states[0]
    for p in range(NR_PFN):
        work.names[p] = 0
    for p in range(1, NR_PFN):
        work.names[p] = np.int64((packed >> np.uint64(4 * (p - 1))) & NIBBLE)
    rename_registers(st, t, work.registers, work.names)
    new = control_number(st, machine.words, where, control, memo, work.registers, t, meta)
    n = changed_everywhere(machine.words, machine.base, where, st, meta, where.changed)
    for i in range(n):
        machine.words[where.changed[i]] = machine.base[where.changed[i]]
    if new < 0:
        return -1
    control_row(packed, c, memo.row)
    add_row(memo, memo.row, new, meta)
    return new


@inlined
def settle_names(machine, where, keys, control, memo, work, key, mentioned, in_records, meta):
    """Give the frames of a key their canonical names; how many it mentions. meta[NEED] if no room.

    The state that it was reached from mentions `mentioned` frames and is canonical. Here is what is
    remembered; the functions above are called where it is not.
    """
    ids = where.id_words
    sequence = names_of_all(control, key, meta)
    name_row(keys, ids, OF_NAMING, sequence, keys.naming, key, memo.row)
    n = find_row(memo.table, memo.rows, memo.row)
    if n >= 0:
        told = memo.value[n]
    else:
        told = mentions_in_order(machine, where, keys, control, memo, work, key, sequence, meta)
    if told == 2 * mentioned + 1 and not in_records:
        return mentioned
    name_row(keys, ids, OF_RENAMING, sequence, keys.renaming, key, memo.row)
    n = find_row(memo.table, memo.rows, memo.row)
    if n >= 0:
        r = memo.value[n]
    else:
        r = renaming_of(machine, where, keys, control, memo, work, key, sequence, meta)
        if r < 0:
            return 0
    packed = memo.new_names[r]
    if packed == ZERO:
        return memo.mentions[r]
    for t in range(meta[TASKS]):
        c = control_of(key, t)
        new = np.int64(c)
        if control.names[c] != ZERO:
            control_row(packed, c, memo.row)
            n = find_row(memo.table, memo.rows, memo.row)
            if n >= 0:
                new = memo.value[n]
            else:
                new = renamed_control(
                    machine, where, keys, control, memo, work, key, t, packed, meta
                )
                if new < 0:
                    return 0
        work.renamed[t] = new
    for t in range(meta[TASKS]):
        put_control(key, t, work.renamed[t])
    for w in range(memo.delta.shape[1]):
        key[ids + w] ^= memo.delta[r, w]
    return memo.mentions[r]


# --- the set of states ---------------------------------------------------------------------------


@inlined
def find_state(table, arena, key, h):
    """The number of the state with this key, or -1 and less: that the slot of `table` for it is i,
    as -1 - i."""
    last = np.uint64(len(table) - 1)
    i = h & last
    while table[i] != ZERO:
        entry = table[i]
        if entry >> TAG_SHIFT == h >> TAG_SHIFT:
            number = np.int64(entry & LOW32) - 1
            same = True
            for w in range(len(key)):
                if arena[number, w] != key[w]:
                    same = False
                    break
            if same:
                return number
        i = (i + ONE) & last
    return -1 - np.int64(i)


@compiled
def refill_states(table, arena, count):
    """Enter all states into an empty table. Returns how many."""
    last = np.uint64(len(table) - 1)
    for number in range(count):
        h = hash_of(arena[number])
        i = h & last
        while table[i] != ZERO:
            i = (i + ONE) & last
        table[i] = ((h >> TAG_SHIFT) << TAG_SHIFT) | np.uint64(number + 1)
    return count


@inlined
def fetch_early(table, arena, found, n):
    """Touch what `n` look-ups will need, all at once, so that the memory works on all of them.

    Returns a number that stands for nothing, so that it is not left out.
    """
    last = np.uint64(len(table) - 1)
    touched = ZERO
    for j in range(n):
        found.slot[j] = table[found.hashes[j] & last]
    for j in range(n):
        if found.slot[j] != ZERO:
            touched ^= arena[np.int64(found.slot[j] & LOW32) - 1, 0]
    return touched


@compiled
def judge_now(machine, where, keys, control, memo, paths, key, meta):
    """judge(), where it is not known."""
    load_state(machine, where, keys, control, key, meta)
    clear_marks(machine, where)
    judged = paths[JUDGE](machine.states[0], 0)
    if not saw_control(machine, where, -1):
        remember(machine, memo, JUDGED, key, judged, keys, where, meta)
    return judged


@inlined
def judge(machine, where, keys, control, memo, paths, key, meta):
    """Which properties do not hold in the state of a key, as a mask."""
    judged = look_up(memo, JUDGED, key, where.id_words)
    if judged >= 0:
        return judged
    return judge_now(machine, where, keys, control, memo, paths, key, meta)


@compiled
def note_first(first, row, state, move):
    """Keep the first state and move that broke what this row stands for."""
    if first[row, 0] < 0:
        first[row, 0] = state
        first[row, 1] = move


@inlined
def expand(s, machine, where, keys, control, memo, outs, work, found, paths, n, first, meta):
    """Put the successors of state `s` behind the `n` that are found. Returns how many there are
    then; -1, and the reason in meta[NEED], if there was no room for something."""
    key = work.key
    for w in range(len(key)):
        key[w] = keys.arena[s, w]
    mentioned = np.int64(keys.mentioned[s])
    moved = False
    blocked = False
    waiting = False
    transitions = 0
    for t in range(meta[TASKS]):
        root = memo.root[control_of(key, t)]
        if root < 0:
            root = root_of(control, memo, control_of(key, t), meta)
            if root < 0:
                return -1
        value = look_up(memo, root, key, where.id_words)
        if value < 0:
            value = take_steps(
                machine, where, keys, control, memo, outs, paths, work, t, key, root, meta
            )
            if meta[NEED] != 0:
                return -1
        for o in range(value >> PACK, (value >> PACK) + (value & PACKED)):
            kind = outs.info[o, INFO_KIND]
            if kind != MOVED:
                blocked |= kind == BLOCKED
                waiting |= kind == WAITING
                continue
            moved = True
            transitions += 1
            broken = outs.info[o, INFO_BROKEN]
            if broken != 0:
                note_rows(first, 0, broken, s, outs.info[o, INFO_MOVE])
            if outs.info[o, INFO_BUG] != 0:
                note_first(first, ROW_BUGS + outs.info[o, INFO_BUG], s, outs.info[o, INFO_MOVE])
                continue
            if n >= len(found.keys):
                note_first(first, ROW_BUGS + BUG_CHOICE_OVERFLOW, s, outs.info[o, INFO_MOVE])
                continue
            to = found.keys[n]
            for w in range(len(key)):
                to[w] = key[w] ^ outs.delta[o, w]
            found.mentioned[n] = mentioned
            in_records = outs.info[o, INFO_RECORD] > mentioned
            if meta[CANONICAL] and (outs.info[o, INFO_NAMES] or in_records):
                found.mentioned[n] = settle_names(
                    machine, where, keys, control, memo, work, to, mentioned, in_records, meta
                )
                if meta[NEED] != 0:
                    return -1
            found.hashes[n] = hash_of(to)
            found.source[n] = s
            found.move[n] = outs.info[o, INFO_MOVE]
            n += 1
    if not moved:
        keys.flags[s] = DEADLOCK if blocked else STUCK if waiting else FINAL
    meta[TRANSITIONS] += transitions
    return n


@compiled
def note_rows(first, row, mask, state, move):
    """note_first() for each bit of a mask, from this row on."""
    while mask != 0:
        if mask & 1:
            note_first(first, row, state, move)
        mask >>= 1
        row += 1


@inlined
def absorb(machine, where, keys, control, memo, found, paths, n, first, meta):
    """Enter the states among `n` successors that are new, and judge them."""
    meta[NR_META - 1] = np.int64(fetch_early(keys.table, keys.arena, found, n) & ONE)
    for j in range(n):
        key = found.keys[j]
        h = found.hashes[j]
        to = find_state(keys.table, keys.arena, key, h)
        if to < 0:
            count = meta[COUNT]
            keys.table[-1 - to] = ((h >> TAG_SHIFT) << TAG_SHIFT) | np.uint64(count + 1)
            for w in range(len(key)):
                keys.arena[count, w] = key[w]
            keys.parent[count] = found.source[j]
            keys.flags[count] = 0
            keys.mentioned[count] = found.mentioned[j]
            meta[COUNT] = count + 1
            to = count
            broken = judge(machine, where, keys, control, memo, paths, key, meta)
            if broken != 0:
                note_rows(first, ROW_PROPERTIES, broken, count, -1)
        if to > found.source[j]:
            keys.flags[found.source[j]] |= LEADS_ON


@compiled
def explore_chunk(
    machine, where, keys, control, memo, outs, work, found, paths, first, meta, limit
):
    """Expand at most `limit` states, breadth first. Returns why it ended."""
    expanded = 0
    while meta[HEAD] < meta[COUNT]:
        if expanded >= limit:
            return LIMIT
        if meta[COUNT] + len(found.keys) > len(keys.parent):
            return GROW_STATES
        n = 0
        meta[NEED] = 0
        if meta[HEAD] == meta[LEVEL_END]:
            meta[DEPTH] += 1
            meta[LEVEL_END] = meta[COUNT]
        while n < BATCH and meta[HEAD] < meta[LEVEL_END] and expanded < limit:
            after = expand(
                meta[HEAD],
                machine,
                where,
                keys,
                control,
                memo,
                outs,
                work,
                found,
                paths,
                n,
                first,
                meta,
            )
            if after < 0:
                break
            n = after
            meta[HEAD] += 1
            expanded += 1
        need = meta[NEED]
        absorb(machine, where, keys, control, memo, found, paths, n, first, meta)
        if need != 0 or meta[NEED] != 0:
            return need if need != 0 else meta[NEED]
    return DONE


@compiled
def find_move(
    machine, where, keys, control, memo, outs, work, found, paths, first, meta, parent, child
):
    """The move that leads from one state to another; -1 if none does."""
    meta[NEED] = 0
    n = expand(
        parent, machine, where, keys, control, memo, outs, work, found, paths, 0, first, meta
    )
    for j in range(n):
        if find_state(keys.table, keys.arena, found.keys[j], found.hashes[j]) == child:
            return found.move[j]
    return -1


@compiled
def reach_back(machine, where, keys, control, memo, outs, work, found, paths, first, meta, reaches):
    """Spread `reaches` against the steps, once, from the last state to the first. Returns to how
    many; -1 if there is no room, and then it must be asked again."""
    spread = 0
    meta[NEED] = 0
    for s in range(meta[COUNT] - 1, -1, -1):
        if reaches[s]:
            continue
        n = expand(s, machine, where, keys, control, memo, outs, work, found, paths, 0, first, meta)
        if n < 0:
            return -1
        for j in range(n):
            if reaches[find_state(keys.table, keys.arena, found.keys[j], found.hashes[j])]:
                reaches[s] = True
                spread += 1
                break
    return spread
