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
    NR_PFN,
    PAGE_TABLE,
    PFN_SHIFT,
    PTE_HAS_PFN,
    RETURNED,
    YIELDED,
)
from pagefault.jit import call_path, compiled, entry, inlined, seen_item

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
FROZEN = 18  # what the workers share must not change now
ME = 19  # the number of this worker
WORKERS = 20
LEVEL_START = 21
SENT = 22  # successors that belong to other workers
RECEIVED = 23  # how many of what another worker sent are entered
LISTED = 24  # states that are expanded only to see where they lead; -1: all are, to be searched
NEXT = 25  # the one of them to expand next
EDGES = 26
REDUCED = 27  # steps that nobody can tell from doing nothing are taken alone
SPREAD = 28  # a task saw or touched what another was taken to have for itself
CONTROL_SEEN = 29  # a task or a promise looked into a control state, or a task changed another's
ALONE = 30  # states of which one step only was taken
TOUCHED = 31  # stands for nothing
OWNER = 32  # the task that tells which worker a state belongs to
NR_META = 40

# Why a chunk ended.
DONE = 0
LIMIT = 1
GROW_STATES = 2
GROW_KEY = 3
GROW_LOCALS = 4
GROW_MEMORY = 5
GROW_RING = 6
GROW_BOX = 7
GROW_EDGES = 8
THAW = 9  # what the workers share must change

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
INFO_MOVE = 1
INFO_BROKEN = 2
INFO_BUG = 3
INFO_NAMES = 4  # it changed who names which frame
INFO_RECORD = 5  # the last frame whose records it changed
INFO_VISIBLE = 6  # it changed what a promise looks at
INFO_OWN = 7  # nobody else can tell whether it was taken
NR_INFO = 8
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
def hash_of(key):
    """The hash of a key. It stays the same when keys become longer by words that are 0."""
    h = ZERO
    for w in range(len(key)):
        h += key[w] * ODD[w & 63]
    h = (h ^ (h >> HALF)) * MIX
    return h ^ (h >> HALF)


@inlined
def control_of(key, t):
    """The number of the control state that task `t` is in."""
    return np.int64((key[U(t >> 2)] >> U(16 * (t & 3))) & ID_MASK)


@compiled
def put_control(key, t, number):
    """The inverse of control_of()."""
    shift = np.uint64(16 * (t & 3))
    key[t >> 2] = (key[t >> 2] & ~(ID_MASK << shift)) | (np.uint64(number) << shift)


@compiled
def number_bit(bit, where, bits, memo, meta):
    """The number in the key of a bit of the record that is no control state; -1 if no room.

    Whoever looked at it when it had no number saw it as it is in the first state.
    """
    k = bits.number_of[bit]
    if k >= 0:
        return k
    k = meta[BITS]
    if meta[FROZEN]:
        meta[NEED] = THAW
        return -1
    if k >= len(bits.bit_of):
        meta[NEED] = GROW_KEY
        return -1
    meta[BITS] = k + 1
    bits.number_of[bit] = k
    bits.bit_of[k] = bit
    in_key = ONE << np.uint64(k & 63)
    in_word = ONE << np.uint64(bit & 63)
    w = bit >> 6
    if where.naming_bits[w] & in_word != ZERO:
        bits.naming[k >> 6] |= in_key
    if (where.naming_bits[w] | where.record_bits[w]) & in_word != ZERO:
        bits.renaming[k >> 6] |= in_key
    for m in range(meta[MASKS]):
        if memo.marks[m, where.scan_at[w]] & in_word != ZERO:
            memo.mask[m, k >> 6] |= in_key
    return k


@entry
def renumber_masks(where, bits, memo, meta, known):
    """Bring masks up to date with the bits that another worker numbered. Returns how many masks."""
    for m in range(meta[MASKS]):
        for k in range(known, meta[BITS]):
            bit = bits.bit_of[k]
            if memo.marks[m, where.scan_at[bit >> 6]] >> np.uint64(bit & 63) & ONE != ZERO:
                memo.mask[m, k >> 6] |= ONE << np.uint64(k & 63)
    return meta[MASKS]


@compiled
def named_pfn(value, is_pte):
    """The pfn that a leaf names, 0 if none."""
    if not is_pte:
        return value if value > 0 else 0
    if value & PTE_HAS_PFN and not value & PAGE_TABLE:
        return value >> PFN_SHIFT
    return 0


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


@entry
def first_key(machine, where, control, memo, registers, meta):
    """Put what the record holds now into `machine.loaded`. Returns how many tasks."""
    for t in range(meta[TASKS]):
        st = machine.states[0]
        c = control_number(st, machine.words, where, control, memo, registers, t, meta)
        put_control(machine.loaded, t, c)
    return meta[TASKS]


@entry
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
def load_state(machine, where, bits, control, key, meta):
    """Make the record that of a key."""
    words = machine.words
    base = machine.base
    loaded = machine.loaded
    ids = where.id_words
    for w in range(ids, len(key)):
        d = key[w] ^ loaded[w]
        while d != ZERO:
            bit = bits.bit_of[(w - ids) * 64 + lowest_bit(d)]
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
