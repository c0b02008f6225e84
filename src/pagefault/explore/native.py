"""The search core, continued: the search itself.

Several workers may search together, level by level. Each expands its own states first, then those
that another has not come to. What they share but for the tables (numbers of control states and of
bits, room) does not change meanwhile: a worker that needs it to stops all.
"""

from __future__ import annotations

import numpy as np

from pagefault.consts import BLOCKED, BUG_CHOICE_OVERFLOW, MOVED, WAITING
from pagefault.explore.control import (
    control_of,
    load_state,
)
from pagefault.explore.numbers import (
    END_OF,
    LINE,
    NEXT_OF,
    STOP,
    claim,
    entry_of,
    find_slots,
    find_state,
    first_slot,
    hash_of,
    hash_of_value,
    is_of_next_level,
    nr_states,
    nth,
    put_entry,
    spell_out,
    value_word,
)
from pagefault.explore.remembered import (
    ALONE,
    BATCH,
    CANONICAL,
    CLAIM,
    CLAIM_END,
    CLAIM_OF,
    CONTROL_SEEN,
    COUNT,
    DEADLOCK,
    DEPTH,
    DONE,
    EDGES,
    FINAL,
    GROW_EDGES,
    GROW_STATES,
    GROW_VALUES,
    INFO_BROKEN,
    INFO_BUG,
    INFO_CONTROL,
    INFO_KIND,
    INFO_NAMES,
    INFO_OWN,
    INFO_RECORD,
    JUDGE,
    JUDGED,
    KNOWN,
    LEADS_ON,
    LIMIT,
    LISTED,
    ME,
    NEED,
    NEXT,
    NOTED,
    NUMBERED,
    ONE,
    OUTS,
    PACK,
    PACKED,
    REDUCED,
    ROW_BUGS,
    ROW_PROPERTIES,
    SPREAD,
    STUCK,
    TASKS,
    TRANSITIONS,
    VALUES,
    WORKERS,
    ZERO,
    U,
    learn_bits,
    look_up,
    remember,
    root_of,
)
from pagefault.explore.settle import (
    clear_marks,
    saw_control,
    settle_names,
    take_steps,
)
from pagefault.jit import call_path, compiled, entry, inlined, prefetch

STEPS = 16
"""Steps that are kept with a value: a row of `memo.steps` has so many."""
NUMBER_BITS = U(24)
"""An entry there is the value after the step, the control state before, as far as there is room,
and its outcome, plus 1, in so many bits."""
NUMBER = U((1 << 24) - 1)
ABOVE = U(32)
LOW8 = U(255)

# What is known in expand() of the step of a task.
IS_KEPT = 1  # it was not found with the value, but shall be the next time
HAS_CHANGED = 2  # it leads to another value, whose number is not known yet

# --- promises in a state -------------------------------------------------------------------------


@compiled
def judge_now(machine, where, bits, control, memo, paths, work, key, meta):
    """judge(), where it is not known. Above KNOWN unless it depends on more than what is shared."""
    load_state(machine, where, bits, control, key, meta)
    clear_marks(machine, where)
    judged = call_path(paths[JUDGE], machine.states[0], 0)
    if meta[NOTED]:
        for i in range(len(where.scan)):
            w = where.scan[i]
            marks = machine.marks[w] & ~where.local_bits[w]
            work.judged[i] |= marks
            if meta[REDUCED] and marks & work.hidden[i] != ZERO:
                meta[SPREAD] = 1
    if saw_control(machine, where, -1):
        meta[CONTROL_SEEN] = 1
        return judged
    known = remember(machine, memo, JUDGED, key, judged, bits, where, meta)
    return known if known != 0 else judged


@inlined
def judge(machine, where, values, bits, control, memo, paths, work, key, meta):
    """Which properties do not hold in the state of a key, as a mask."""
    word = key[U(where.id_words)]
    if meta[NUMBERED] and values.judged[word] >= 0:
        return values.judged[word]
    spell_out(values, key, where.id_words, work.key, meta)
    judged = look_up(memo, JUDGED, work.key, where.id_words)
    if judged == 0:
        judged = judge_now(machine, where, bits, control, memo, paths, work, work.key, meta)
    if meta[NUMBERED] and judged > KNOWN:
        values.judged[word] = judged & KNOWN
    return judged & KNOWN


@compiled
def note_first(first, row, state, move):
    """Keep the first state and move that broke what this row stands for."""
    if first[row, 0] < 0:
        first[row, 0] = state
        first[row, 1] = move


@compiled
def note_rows(first, row, mask, state, move):
    """note_first() for each bit of a mask, from this row on."""
    while mask != 0:
        if mask & 1:
            note_first(first, row, state, move)
        mask >>= 1
        row += 1


# --- states to expand ----------------------------------------------------------------------------


@inlined
def recall_step(memo, outs, word, c):
    """What is kept of the step from a control state with the value of this number; 0 if nothing."""
    if word >= U(len(memo.steps)):
        return ZERO
    i = U(c) & U(STEPS - 1)
    for _ in range(STEPS):
        kept = memo.steps[word, i]
        if kept == ZERO:
            return ZERO
        if kept >> NUMBER_BITS & LOW8 == U(c) & LOW8:
            if outs.info[(kept & NUMBER) - ONE, INFO_CONTROL] == c:
                return kept
        i = (i + ONE) & U(STEPS - 1)
    return ZERO


@inlined
def keep_step(memo, word, c, o, after):
    """Let recall_step() find an outcome. Where there is no room another is forgotten."""
    if word >= U(len(memo.steps)):
        return
    first = U(c) & U(STEPS - 1)
    i = first
    for _ in range(STEPS):
        if memo.steps[word, i] == ZERO:
            break
        i = (i + ONE) & U(STEPS - 1)
    memo.steps[word, i] = after << ABOVE | (U(c) & LOW8) << NUMBER_BITS | (U(o) + ONE)


@inlined
def value_after(values, outs, full, key, o, ids):
    """Spell out in `full` the key that outcome `o` leads to from that in `key`. Returns whether it
    has another value, which value_word() then knows the number of."""
    changed = ZERO
    for w in range(ids, len(full)):
        delta = outs.delta[o, U(w)]
        full[U(w)] = key[U(w)] ^ delta
        changed |= delta
    if changed != ZERO:
        prefetch(values.table, first_slot(values.table, hash_of_value(full, ids)))
        return True
    return False


@inlined
def expand(
    s, machine, where, states, values, bits, control, memo, outs, work, found, paths, n, first, meta
):
    """Put the successors of state `s` behind the `n` that are found. Returns how many there are
    then; -1, and the reason in meta[NEED], if there was no room for something."""
    ids = where.id_words
    key = states.arena[U(s)]
    word = key[U(ids)]
    mentioned = np.int64(states.mentioned[U(s)])
    begin = 0
    end = meta[TASKS]
    outs_kept = meta[OUTS]
    is_spelled = False
    for t in range(meta[TASKS]):
        c = control_of(key, t)
        kept = recall_step(memo, outs, word, c) if meta[NUMBERED] else ZERO
        if kept != ZERO:
            work.known[t] = np.int64((kept & NUMBER) - ONE) << PACK | 1
            work.words[t] = kept >> ABOVE
            work.is_new[t] = 0
        else:
            if not is_spelled:
                spell_out(values, key, ids, work.key, meta)
                is_spelled = True
            root = memo.root[U(c)]
            if root < 0:
                root = root_of(control, memo, c, meta)
                if root < 0:
                    return -1
            known = look_up(memo, root, work.key, ids)
            if known == 0:
                known = take_steps(
                    machine, where, bits, control, memo, outs, paths, work, t, work.key, root, meta
                )
                if meta[NEED] != 0:
                    return -1
                if known > KNOWN:
                    outs_kept = meta[OUTS]
            work.known[t] = known & KNOWN
            o = U(work.known[t] >> PACK)
            work.words[t] = word
            work.is_new[t] = 0
            if known > KNOWN and known & PACKED == 1:
                work.is_new[t] |= IS_KEPT
            if value_after(values, outs, work.after[t], work.key, o, ids):
                work.is_new[t] |= HAS_CHANGED
        if meta[REDUCED] and outs.info[U(work.known[t] >> PACK), INFO_OWN]:
            begin = t
            end = t + 1
            meta[ALONE] += 1
            break
    moved = False
    blocked = False
    waiting = False
    transitions = 0
    for t in range(begin, end):
        value = work.known[t]
        if work.is_new[t] & HAS_CHANGED:
            work.words[t] = value_word(values, work.after[t], ids, meta)
        if meta[NUMBERED] and work.is_new[t] & IS_KEPT:
            keep_step(memo, word, control_of(key, t), U(value >> PACK), work.words[t])
        for i in range(value & PACKED):
            o = U((value >> PACK) + i)
            kind = outs.info[o, INFO_KIND]
            if kind != MOVED:
                blocked |= kind == BLOCKED
                waiting |= kind == WAITING
                continue
            moved = True
            transitions += 1
            broken = outs.info[o, INFO_BROKEN]
            if broken != 0:
                note_rows(first, 0, broken, s, outs.move[o])
            if outs.info[o, INFO_BUG] != 0:
                note_first(first, ROW_BUGS + outs.info[o, INFO_BUG], s, outs.move[o])
                continue
            if n >= len(found.keys):
                note_first(first, ROW_BUGS + BUG_CHOICE_OVERFLOW, s, outs.move[o])
                continue
            to = found.keys[U(n)]
            for w in range(ids):
                to[w] = key[w] ^ outs.delta[o, U(w)]
            if i > 0:
                work.words[t] = word
                if value_after(values, outs, work.after[t], work.key, o, ids):
                    work.words[t] = value_word(values, work.after[t], ids, meta)
            to[U(ids)] = work.words[t]
            found.mentioned[U(n)] = mentioned
            in_records = outs.info[o, INFO_RECORD] > mentioned
            if meta[CANONICAL] and (outs.info[o, INFO_NAMES] or in_records):
                found.mentioned[U(n)] = settle_names(
                    machine, where, values, bits, control, memo, work, to, mentioned, in_records,
                    meta,
                )  # fmt: skip
                if meta[NEED] != 0:
                    return -1
            found.hashes[U(n)] = hash_of(to)
            prefetch(states.table, first_slot(states.table, found.hashes[U(n)]))
            found.source[U(n)] = s
            if meta[LISTED] >= 0:
                found.move[U(n)] = outs.move[o]
            n += 1
    meta[OUTS] = outs_kept  # what is not remembered was for this state only
    if not moved:
        states.flags[s] = DEADLOCK if blocked else STUCK if waiting else FINAL
    if meta[LISTED] < 0:
        meta[TRANSITIONS] += transitions
    return n


@inlined
def enter(machine, where, states, values, bits, control, memo, work, to, paths, first, meta):
    """Judge a state that is new."""
    meta[COUNT] += 1
    key = states.arena[U(to)]
    judged = judge(machine, where, values, bits, control, memo, paths, work, key, meta)
    if judged != 0:
        note_rows(first, ROW_PROPERTIES, judged, to, -1)


@inlined
def note_edge(edges, source, to, move, meta):
    """Keep that a step leads from one state to another."""
    e = meta[EDGES]
    edges.source[e] = source
    edges.to[e] = to
    edges.move[e] = move
    meta[EDGES] = e + 1


@inlined
def absorb(
    machine, where, states, values, bits, control, memo, work, found, edges, paths, team, n, first,
    meta,
):  # fmt: skip
    """Enter the states among `n` successors that are new."""
    find_slots(states.table, states.arena, found, n)
    many = meta[WORKERS]
    for j in range(n):
        h = found.hashes[U(j)]
        source = found.source[U(j)]
        key = found.keys[U(j)]
        is_new = False
        to = find_state(states.table, states.arena, key, h, found.slot[U(j)])
        if meta[LISTED] >= 0:
            note_edge(edges, source, max(to, -1), found.move[U(j)], meta)
            continue
        while to < 0:
            slot = U(-1 - to)
            to = nth(meta[COUNT], meta[ME], many)
            for w in range(len(key)):
                states.arena[U(to), U(w)] = key[U(w)]
            states.flags[U(to)] = 0
            states.onward[U(to)] = -1
            states.parent[U(to)] = source
            states.mentioned[U(to)] = found.mentioned[U(j)]
            is_new = put_entry(states.table, slot, entry_of(h, to), many)
            if not is_new:
                to = find_state(states.table, states.arena, key, h, slot)
        if is_new:
            enter(machine, where, states, values, bits, control, memo, work, to, paths, first, meta)
            later = True
        elif many > 1:
            later = is_of_next_level(to, team, many)
        else:
            later = to > source
        if later:
            states.flags[U(source)] |= LEADS_ON
        if later or states.onward[U(source)] < 0:
            states.onward[U(source)] = to


@inlined
def room(states, values, found, edges, team, meta):
    """What there is no room for to go on; DONE if for nothing."""
    n = len(found.keys)
    many = meta[WORKERS]
    if meta[LISTED] >= 0:
        if meta[EDGES] + n > len(edges.source):
            return GROW_EDGES
    elif (
        nth(meta[COUNT] + n, meta[ME], many) >= len(states.parent)
        or (nr_states(team, meta) + many * n) * 5 > len(states.table) * 3
    ):
        return GROW_STATES
    if meta[NUMBERED]:
        if nth(meta[VALUES] + 3 * n, meta[ME], many) >= len(values.judged):
            return GROW_VALUES
        if (meta[VALUES] + 3 * n) * many * 4 > len(values.table) * 3:
            return GROW_VALUES
    return DONE


@entry
def explore_chunk(
    machine, where, states, values, bits, control, memo, outs, work, found, edges, paths, team,
    first, meta, limit,
):  # fmt: skip
    """Expand about `limit` states, breadth first. Returns why it ended.

    One worker of several ends with the level. Where states are listed, they are what is expanded,
    and only the edges from them are noted.
    """
    expanded = 0
    listed = meta[LISTED]
    many = meta[WORKERS]
    line = (meta[ME] + 1) * LINE
    learn_bits(where, bits, memo, meta)
    while True:
        if listed >= 0:
            if meta[NEXT] == listed:
                return DONE
        elif meta[CLAIM] == meta[CLAIM_END] and not claim(team, meta):
            if many > 1 or team[line + END_OF] == meta[COUNT]:
                return DONE
            meta[DEPTH] += 1
            team[line + NEXT_OF] = team[line + END_OF]
            team[line + END_OF] = meta[COUNT]
            continue
        if expanded >= limit or team[STOP] != 0:
            return LIMIT
        lack = room(states, values, found, edges, team, meta)
        if lack != DONE:
            return lack
        n = 0
        meta[NEED] = 0
        last = listed if listed >= 0 else meta[CLAIM_END]
        at = NEXT if listed >= 0 else CLAIM
        if meta[NUMBERED] and listed < 0:
            for k in range(meta[CLAIM], last):
                s = nth(k, meta[CLAIM_OF], many)
                prefetch(memo.steps, states.arena[U(s), U(where.id_words)])
        for _ in range(BATCH):
            if meta[at] == last or expanded >= limit:
                break
            s = work.list[meta[NEXT]] if listed >= 0 else nth(meta[CLAIM], meta[CLAIM_OF], many)
            after = expand(
                s, machine, where, states, values, bits, control, memo, outs, work, found, paths, n,
                first, meta,
            )  # fmt: skip
            if after < 0:
                break
            n = after
            meta[at] += 1
            expanded += 1
        need = meta[NEED]
        absorb(
            machine, where, states, values, bits, control, memo, work, found, edges, paths, team, n,
            first, meta,
        )  # fmt: skip
        if need != 0 or meta[NEED] != 0:
            return need if need != 0 else meta[NEED]
