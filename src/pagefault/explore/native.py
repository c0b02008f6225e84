"""The search core that is compiled: expand states, number folios, keep a set of states, exactly.

A state is held as the set of bits in which it differs from the initial state. Bits get a number in
the key when they first differ, so a key is as short as the program's variety, and a key made
earlier need never be made again: the new bits are 0 in it. A step changes few bits, so keys and
hashes (one random word per bit, Zobrist) are updated, not computed.

Everything here is integers and arrays; unsigned 64-bit arithmetic stays in `u8` names, since mixing
it with signed integers would make floats. Interpreted, the functions do the same, slowly.
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
from pagefault.jit import compiled

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
EDGES = 2
BITS = 3  # bits of a key in use
TASKS = 4
STOP_AT_YIELD = 5
CANONICAL = 6
KEEP_EDGES = 7
DEPTH = 8
LEVEL_END = 9
TRANSITIONS = 10
MENTIONED = 11  # frames that the state at hand mentions
NR_META = 16

# Why a chunk ended.
DONE = 0
LIMIT = 1
GROW_STATES = 2
GROW_KEY = 3
GROW_EDGES = 4

PFN_BYTE = PFN_SHIFT // 8  # of a PTE: there are fewer than 256 frames

MAX_SUCCESSORS = 4096  # of one state
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
                value = st.task[source].reg[value]
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


# --- canonical folio numbers -------------------------------------------------------------------


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
def pfn_at(raw, at, is_pte):
    """named_pfn() of the leaf at this byte, without putting its value together."""
    if not is_pte:
        return np.int64(raw[at])
    low = np.int64(raw[at]) | np.int64(raw[at + np.uint64(1)]) << 8
    if low & PTE_HAS_PFN and not low & PAGE_TABLE:
        return np.int64(raw[at + np.uint64(PFN_BYTE)])
    return 0


@compiled
def is_canonical(raw, words, st, meta, where, registers, records_touched, mentioned_before):
    """Tells quickly that folios stand in canonical order: how many frames are mentioned, which are
    then frames 1 to that number; -1 where find_names() must say.

    The state that is being expanded is canonical and mentions `mentioned_before` frames.
    """
    if where.inner.shape[1] > 0:
        return -1
    following = 1
    root_words = where.root_words
    root_at = where.root_at
    root_is_pte = where.root_is_pte
    for k in range(len(root_words)):
        w = root_words[k, 0]
        if words[w] & root_words[k, 1] == ZERO:
            continue
        for i in range(root_words[k, 2], root_words[k, 3]):
            p = pfn_at(raw, root_at[i], root_is_pte[i])
            if p > following:
                return -1
            if p == following:
                following += 1
    for t in range(meta[TASKS]):
        task = st.task[t]
        for d in range(task.depth):
            frame = task.frame[d]
            row = registers[frame.path]
            for i in range(1, 1 + row[0]):
                value = np.int64(frame.reg[row[i] >> 1])
                if value > 0:
                    p = named_pfn(value, row[i] & 1)
                    if p > following:
                        return -1
                    if p == following:
                        following += 1
    if following - 1 == mentioned_before and not records_touched:
        return mentioned_before
    for p in range(following, st.nr_pfns - 1):
        if not same_record(words, where.record_words, p, p + 1):
            return -1
    return following - 1


@compiled
def frames_named(st, t, registers):
    """A number that tells by which frames the registers of a task name, in order."""
    task = st.task[t]
    code = 0
    for d in range(task.depth):
        frame = task.frame[d]
        row = registers[frame.path]
        for i in range(1, 1 + row[0]):
            value = np.int64(frame.reg[row[i] >> 1])
            if value > 0:
                p = named_pfn(value, row[i] & 1)
                if p > 0:
                    code = code * NR_PFN + p
    return code


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
def rename_frames(raw, st, meta, where, registers, names, old):
    """canonical.py Canonical.rename()."""
    roots = where.roots
    for i in range(len(roots)):
        value = read_value(raw, roots[i, 0], roots[i, 1])
        if value != 0:
            new = renamed_value(value, roots[i, 2], names)
            write_value(raw, roots[i, 0], roots[i, 1], new)
    for t in range(meta[TASKS]):
        task = st.task[t]
        for d in range(task.depth):
            row = registers[task.frame[d].path]
            for i in range(1, 1 + row[0]):
                value = np.int64(task.frame[d].reg[row[i] >> 1])
                if value > 0:
                    task.frame[d].reg[row[i] >> 1] = renamed_value(value, row[i] & 1, names)
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


# --- the set of states -------------------------------------------------------------------------


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
def find_or_add(table, hashes, arena, key, h, count):
    """The number of the state with this key; `count` if it is new, and then it is entered."""
    mask = np.uint64(len(table) - 1)
    i = h & mask
    tag = h >> TAG_SHIFT
    width = arena.shape[1]
    while table[i] != ZERO:
        entry = table[i]
        if entry >> TAG_SHIFT == tag:
            number = np.int64(entry & LOW32) - 1
            same = True
            for w in range(width):
                if arena[number, w] != key[w]:
                    same = False
                    break
            if same:
                return number
        i = (i + ONE) & mask
    table[i] = (tag << TAG_SHIFT) | np.uint64(count + 1)
    for w in range(width):
        arena[count, w] = key[w]
    hashes[count] = h
    return count


@compiled
def fill_table(table, hashes, count):
    """Enter all states into an empty table. Returns how many."""
    mask = np.uint64(len(table) - 1)
    for number in range(count):
        h = hashes[number]
        i = h & mask
        while table[i] != ZERO:
            i = (i + ONE) & mask
        table[i] = ((h >> TAG_SHIFT) << TAG_SHIFT) | np.uint64(number + 1)
    return count


@compiled
def go_to(words, base, key, target, bit_of):
    """Turn the record from the state of `key` into that of `target`, a row of the arena."""
    for w in range(len(key)):
        d = key[w] ^ target[w]
        while d != ZERO:
            b = lowest_bit(d)
            d &= d - ONE
            bit = bit_of[w * 64 + b]
            words[bit >> 6] ^= ONE << np.uint64(bit & 63)
            base[bit >> 6] = words[bit >> 6]
        key[w] = target[w]


@compiled
def reach_back(edges, reaches):
    """Spread `reaches` against the edges. They stand in the order of breadth-first search and most
    lead on, so few passes from the last to the first will do; returns how many."""
    passes = 0
    spreads = True
    while spreads:
        spreads = False
        passes += 1
        for e in range(len(edges) - 1, -1, -1):
            if reaches[edges[e, 1]] and not reaches[edges[e, 0]]:
                reaches[edges[e, 0]] = True
                spreads = True
    return passes


@compiled
def note_first(first, row, state, move):
    """Keep the first state and move that broke what this row stands for."""
    if first[row, 0] < 0:
        first[row, 0] = state
        first[row, 1] = move


@compiled
def explore_chunk(
    states,
    words,
    base,
    raw,
    paths,
    where,
    slot,
    registers,
    program,
    lengths,
    keys,
    meta,
    first,
    limit,
):
    """Expand at most `limit` states, breadth first. Returns why it ended."""
    st = states[0]
    new_key = keys.scratch[0]
    key = keys.scratch[1]
    changed = where.changed
    names = where.names[0]
    cv = where.names[1]
    ar = where.names[2]
    expanded = 0
    while meta[HEAD] < meta[COUNT]:
        if expanded >= limit:
            return LIMIT
        if meta[COUNT] + MAX_SUCCESSORS > len(keys.hashes):
            return GROW_STATES
        if meta[KEEP_EDGES] and meta[EDGES] + MAX_SUCCESSORS > len(keys.edges):
            return GROW_EDGES
        s = meta[HEAD]
        edges = meta[EDGES]
        transitions = meta[TRANSITIONS]
        if s == meta[LEVEL_END]:
            meta[DEPTH] += 1
            meta[LEVEL_END] = meta[COUNT]
        go_to(words, base, key, keys.arena[s], keys.bit_of)
        mentioned = keys.mentioned[s]
        moved = False
        blocked = False
        waiting = False
        for t in range(meta[TASKS]):
            task = st.task[t]
            if task.state != TASK_RUNNING or (task.depth == 0 and task.ip >= lengths[t]):
                continue
            depth = np.int64(task.depth)
            named_before = frames_named(st, t, registers) if meta[CANONICAL] else 0
            cv[:] = 0
            given = 0
            more = True
            while more:
                for i in range(given):
                    st.choice[i] = cv[i]
                outcome = take_step(st, t, paths, slot, program, meta[STOP_AT_YIELD])
                nr = min(np.int64(st.nr_choices), NR_CHOICES)
                packed = np.int64(t)
                for i in range(nr):
                    ar[i] = st.arity[i]
                    if i < MAX_CHOICES:
                        packed |= np.int64(st.choice[i]) << (4 + CHOICE_BITS * i)
                if nr > 0 or given > 0:
                    clear_choices(st)
                packed |= np.int64(nr) << (4 + CHOICE_BITS * MAX_CHOICES)
                frames = max(depth, np.int64(task.depth))
                if outcome == MOVED:
                    if nr > MAX_CHOICES and st.bug == 0:
                        st.bug = BUG_CHOICE_OVERFLOW
                    moved = True
                    meta[TRANSITIONS] += 1
                    broken = np.int64(st.broken)
                    st.broken = 0
                    row = 0
                    while broken != 0:
                        if broken & 1:
                            note_first(first, row, s, packed)
                        broken >>= 1
                        row += 1
                    if st.bug != 0:
                        note_first(first, ROW_BUGS + st.bug, s, packed)
                        st.bug = 0
                        n = changed_words(words, base, where, t, frames, changed)
                    else:
                        n = changed_words(words, base, where, t, frames, changed)
                        meta[MENTIONED] = mentioned
                        if meta[CANONICAL]:
                            touched = frames_named(st, t, registers) != named_before
                            in_records = False
                            for i in range(n):
                                w = changed[i]
                                d = words[w] ^ base[w]
                                if d & where.naming_bits[w] != ZERO:
                                    touched = True
                                if d & where.record_bits[w] != ZERO:
                                    if where.last_frame[w] > mentioned:
                                        in_records = True
                            if touched or in_records:
                                meta[MENTIONED] = is_canonical(
                                    raw, words, st, meta, where, registers, in_records, mentioned
                                )
                                if meta[MENTIONED] < 0 and find_names(
                                    raw,
                                    words,
                                    st,
                                    meta,
                                    where,
                                    registers,
                                    names,
                                    where.frame_scratch,
                                ):
                                    rename_frames(raw, st, meta, where, registers, names, where.old)
                                    n = -1
                        if n < 0:
                            n = changed_everywhere(words, base, where, st, meta, changed)
                        h = keys.hashes[s]
                        for w in range(len(key)):
                            new_key[w] = key[w]
                        for i in range(n):
                            w = changed[i]
                            d = words[w] ^ base[w]
                            while d != ZERO:
                                bit = w * 64 + lowest_bit(d)
                                d &= d - ONE
                                k = keys.number_of[bit]
                                if k < 0:
                                    k = meta[BITS]
                                    if k >= len(key) * 64:
                                        # Expand this state again when the key is longer.
                                        for j in range(n):
                                            words[changed[j]] = base[changed[j]]
                                        meta[EDGES] = edges
                                        meta[TRANSITIONS] = transitions
                                        return GROW_KEY
                                    keys.number_of[bit] = k
                                    keys.bit_of[k] = bit
                                    meta[BITS] = k + 1
                                new_key[k >> 6] ^= ONE << np.uint64(k & 63)
                                h ^= keys.zobrist[k]
                        count = meta[COUNT]
                        to = find_or_add(keys.table, keys.hashes, keys.arena, new_key, h, count)
                        if to == count:
                            meta[COUNT] = count + 1
                            keys.parent[count] = s
                            keys.move[count] = packed
                            keys.ends[count] = 0
                            keys.mentioned[count] = meta[MENTIONED]
                            judged = paths[JUDGE](st, 0)
                            row = ROW_PROPERTIES
                            while judged != 0:
                                if judged & 1:
                                    note_first(first, row, count, -1)
                                judged >>= 1
                                row += 1
                        if meta[KEEP_EDGES]:
                            keys.edges[meta[EDGES], 0] = s
                            keys.edges[meta[EDGES], 1] = to
                            meta[EDGES] += 1
                else:
                    if outcome == BLOCKED:
                        blocked = True
                    elif outcome == WAITING:
                        waiting = True
                    st.broken = 0
                    n = changed_words(words, base, where, t, frames, changed)
                for i in range(n):
                    words[changed[i]] = base[changed[i]]
                more = False
                for i in range(nr - 1, -1, -1):
                    if cv[i] + 1 < ar[i]:
                        cv[i] += 1
                        given = i + 1
                        more = True
                        break
        if not moved:
            if blocked:
                keys.ends[s] = DEADLOCK
            elif waiting:
                keys.ends[s] = STUCK
            else:
                keys.ends[s] = FINAL
        meta[HEAD] = s + 1
        expanded += 1
    return DONE


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
