"""The search core, continued: the set of states, and what is behind their keys.

A key is short: the control states of the tasks, and one word for what they share. That word is the
value of the bits in which some state differs from the first, as long as these are 64 at most; then
it is the number of that value, since few values are met again and again.

Several workers may search together. States and values are numbered in blocks that belong to one
worker each, so that nobody waits for a number; two tables say what is there, and who finds an empty
slot fills it if no other does in the same moment.
"""

from __future__ import annotations

import numpy as np

from pagefault.explore.remembered import (
    BATCH,
    CLAIM,
    CLAIM_END,
    CLAIM_OF,
    COUNT,
    HALF,
    LOW32,
    ME,
    MIX,
    NUMBERED,
    ODD,
    ONE,
    TAG_SHIFT,
    VALUES,
    WORKERS,
    ZERO,
    U,
)
from pagefault.jit import compiled, entry, fetch_and_add, inlined, prefetch, put_if_empty

BLOCK = 10
"""Numbers that belong to one worker, then to the next: 2 to this power."""

# What the workers tell each other in `team`: whether all must stop; then for each, in a line of the
# cache of its own, which of its states is the next to expand, where its level ends, and how many
# states it has found.
STOP = 0
LINE = 16
NEXT_OF = 0
END_OF = 1
COUNT_OF = 2

# --- numbers -------------------------------------------------------------------------------------


@inlined
def nth(k, me, many):
    """The number of the state, or value, that is the k-th of worker `me` of `many`."""
    return (((k >> BLOCK) * many + me) << BLOCK) | (k & ((1 << BLOCK) - 1))


@inlined
def nth_of(number, many):
    """The inverse of nth(): the k, and the worker."""
    block = number >> BLOCK
    return ((block // many) << BLOCK) | (number & ((1 << BLOCK) - 1)), block % many


@inlined
def has_tag(entry, h):
    """Whether an entry of a table may be that of a hash."""
    return entry >> TAG_SHIFT == h >> TAG_SHIFT


@inlined
def entry_of(h, number):
    """An entry: half of the hash, and the number, from 1 on."""
    return ((h >> TAG_SHIFT) << TAG_SHIFT) | (U(number) + ONE)


@inlined
def put_entry(table, slot, entry, many):
    """Fill a slot. False if another worker has done so since it was looked at."""
    if many > 1:
        return put_if_empty(table, slot, entry)
    table[slot] = entry
    return True


@compiled
def put_anew(table, entry):
    """Fill the first slot for an entry that is not there, by the half of the hash that it holds."""
    last = U(len(table) - 1)
    i = (entry >> TAG_SHIFT) & last
    while table[i] != ZERO:
        i = (i + ONE) & last
    table[i] = entry


@entry
def move_table(old, new):
    """Enter into a larger table what is in another. Returns the size of the new one."""
    for i in range(len(old)):
        if old[i] != ZERO:
            put_anew(new, old[i])
    return len(new)


@inlined
def first_slot(table, h):
    """Where in a table the look-up of a hash begins."""
    return (h >> TAG_SHIFT) & U(len(table) - 1)


# --- values of what tasks share ------------------------------------------------------------------


@inlined
def hash_of(key):
    """The hash of a key."""
    h = ZERO
    for w in range(len(key)):
        h += key[w] * ODD[w & 63]
    h = (h ^ (h >> HALF)) * MIX
    return h ^ (h >> HALF)


@inlined
def hash_of_value(full, ids):
    """The hash of a value, the words of a key spelled out from `ids` on. It stays the same when
    they become more by words that are 0."""
    h = ZERO
    for w in range(len(full) - ids):
        h += full[U(ids + w)] * ODD[w & 63]
    h = (h ^ (h >> HALF)) * MIX
    return h ^ (h >> HALF)


@inlined
def spell_out(values, key, ids, full, meta):
    """Write a key with the value that it numbers."""
    for w in range(ids):
        full[w] = key[w]
    if meta[NUMBERED]:
        for w in range(values.rows.shape[1]):
            full[U(ids + w)] = values.rows[key[U(ids)], U(w)]
    else:
        full[U(ids)] = key[U(ids)]


@inlined
def value_word(values, full, ids, meta):
    """The word of a key for the value that `full` spells out, which is numbered if new. Whoever
    calls has seen to it that there is room."""
    if not meta[NUMBERED]:
        return full[U(ids)]
    many = meta[WORKERS]
    last = U(len(values.table) - 1)
    h = hash_of_value(full, ids)
    i = first_slot(values.table, h)
    while True:
        entry = values.table[i]
        if entry == ZERO:
            new = nth(meta[VALUES], meta[ME], many)
            for w in range(values.rows.shape[1]):
                values.rows[U(new), U(w)] = full[U(ids + w)]
            values.judged[U(new)] = -1
            if put_entry(values.table, i, entry_of(h, new), many):
                meta[VALUES] += 1
                return U(new)
        else:
            if has_tag(entry, h):
                number = (entry & LOW32) - ONE
                same = True
                for w in range(values.rows.shape[1]):
                    if values.rows[number, U(w)] != full[U(ids + w)]:
                        same = False
                        break
                if same:
                    return number
            i = (i + ONE) & last


@entry
def refill_values(values, count, me, many):
    """Enter the first `count` values of a worker into a table without them. Returns how many."""
    for k in range(count):
        number = nth(k, me, many)
        put_anew(values.table, entry_of(hash_of_value(values.rows[number], 0), number))
    return count


# --- the set of states ---------------------------------------------------------------------------


@inlined
def find_state(table, arena, key, h, i):
    """The number of the state with this key, or -1 and less: that the slot of `table` for it is j,
    as -1 - j. It is looked for from slot `i` on."""
    last = U(len(table) - 1)
    while True:
        entry = table[i]
        if entry == ZERO:
            return -1 - np.int64(i)
        if has_tag(entry, h):
            number = (entry & LOW32) - ONE
            same = True
            for w in range(len(key)):
                if arena[number, U(w)] != key[U(w)]:
                    same = False
                    break
            if same:
                return np.int64(number)
        i = (i + ONE) & last


@entry
def refill_states(states, count, me, many):
    """Enter the first `count` states of a worker into a table without them. Returns how many."""
    for k in range(count):
        number = nth(k, me, many)
        put_anew(states.table, entry_of(hash_of(states.arena[number]), number))
    return count


@inlined
def find_slots(table, arena, found, n):
    """Where in the table the look-ups of successors begin, kept in `found.slot`; and what they
    will compare with is brought near, for all at once."""
    last = U(len(table) - 1)
    for j in range(n):
        h = found.hashes[U(j)]
        i = first_slot(table, h)
        while table[i] != ZERO and not has_tag(table[i], h):
            i = (i + ONE) & last
        found.slot[U(j)] = i
        prefetch(arena, (table[i] & LOW32) - ONE)


# --- who expands what ----------------------------------------------------------------------------


@inlined
def claim(team, meta):
    """Take some states of the level in hand: this worker's own, or when there are none another's.
    Returns whether there were any."""
    for u in range(meta[WORKERS]):
        of = (meta[ME] + u) % meta[WORKERS]
        line = (of + 1) * LINE
        end = team[line + END_OF]
        if team[line + NEXT_OF] < end:
            k = fetch_and_add(team, line + NEXT_OF, BATCH)
            if k < end:
                meta[CLAIM] = k
                meta[CLAIM_END] = min(k + BATCH, end)
                meta[CLAIM_OF] = of
                return True
    return False


@inlined
def is_of_next_level(number, team, many):
    """Whether a state was found since this level began."""
    k, of = nth_of(number, many)
    return k >= team[(of + 1) * LINE + END_OF]


@inlined
def nr_states(team, meta):
    """How many states all workers have found, or had a moment ago."""
    team[(meta[ME] + 1) * LINE + COUNT_OF] = meta[COUNT]
    n = 0
    for u in range(meta[WORKERS]):
        n += team[(u + 1) * LINE + COUNT_OF]
    return n
