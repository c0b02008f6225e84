"""The search core, continued: the set of states, and the search itself."""

from __future__ import annotations

import numpy as np

from pagefault.consts import BLOCKED, BUG_CHOICE_OVERFLOW, MOVED, WAITING
from pagefault.explore.remembered import (
    BATCH,
    CANONICAL,
    COUNT,
    DEADLOCK,
    DEPTH,
    DONE,
    FINAL,
    GROW_STATES,
    HEAD,
    INFO_BROKEN,
    INFO_BUG,
    INFO_KIND,
    INFO_MOVE,
    INFO_NAMES,
    INFO_RECORD,
    JUDGE,
    JUDGED,
    LEADS_ON,
    LEVEL_END,
    LIMIT,
    LOW32,
    NEED,
    NR_META,
    ONE,
    PACK,
    PACKED,
    ROW_BUGS,
    ROW_PROPERTIES,
    STUCK,
    TAG_SHIFT,
    TASKS,
    TRANSITIONS,
    ZERO,
    control_of,
    hash_of,
    load_state,
    look_up,
    remember,
    root_of,
)
from pagefault.explore.settle import clear_marks, saw_control, settle_names, take_steps
from pagefault.jit import compiled, inlined

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
