"""The search core, continued: the set of states, and the search itself.

Several workers may search together, each on a part of the states, see owner_of(). They go level by
level: each expands its own states and enters those successors that are its own; then each enters
what the others sent. What they share (numbers of control states and of bits) does not change
meanwhile: a worker that needs a new number stops and is let on when it is alone.
"""

from __future__ import annotations

import numpy as np

from pagefault.consts import BLOCKED, BUG_CHOICE_OVERFLOW, MOVED, WAITING
from pagefault.explore.remembered import (
    ALONE,
    BATCH,
    BY_MASK,
    CANONICAL,
    CONTROL_SEEN,
    COUNT,
    DEADLOCK,
    DEPTH,
    DONE,
    EDGES,
    FINAL,
    GROW_BOX,
    GROW_EDGES,
    GROW_RING,
    GROW_STATES,
    HEAD,
    INFO_BROKEN,
    INFO_BUG,
    INFO_KIND,
    INFO_MOVE,
    INFO_NAMES,
    INFO_OWN,
    INFO_RECORD,
    JUDGE,
    JUDGED,
    KNOWN,
    LEADS_ON,
    LEVEL_END,
    LEVEL_START,
    LIMIT,
    LISTED,
    LOW32,
    MAX_SUCCESSORS,
    ME,
    NEED,
    NEXT,
    ONE,
    OUTS,
    OWNER,
    PACK,
    PACKED,
    RECEIVED,
    REDUCED,
    ROW_BUGS,
    ROW_PROPERTIES,
    SENT,
    SPREAD,
    STUCK,
    TAG_SHIFT,
    TASKS,
    TOUCHED,
    TRANSITIONS,
    WORKERS,
    ZERO,
    U,
    control_of,
    hash_of,
    load_state,
    look_up,
    mix,
    recall,
    recalled,
    remember,
    root_of,
)
from pagefault.explore.settle import (
    clear_marks,
    names_of_all,
    saw_control,
    settle_names,
    take_steps,
)
from pagefault.jit import call_path, compiled, entry, inlined

# --- the set of states ---------------------------------------------------------------------------


@inlined
def owner_of(key, meta):
    """Which worker a state belongs to: the control state of one task tells, so that the steps of
    all others stay with it."""
    c = np.uint64(control_of(key, meta[OWNER]))
    return np.int64(mix(ONE, c) & LOW32) % meta[WORKERS]


@inlined
def find_state(table, arena, key, h, i):
    """The number of the state with this key, or -1 and less: that the slot of `table` for it is j,
    as -1 - j. It is looked for from slot `i` on."""
    last = np.uint64(len(table) - 1)
    while table[i] != ZERO:
        entry = table[i]
        if entry >> TAG_SHIFT == h >> TAG_SHIFT:
            number = (entry & LOW32) - ONE
            same = True
            for w in range(len(key)):
                if arena[number, w] != key[w]:
                    same = False
                    break
            if same:
                return np.int64(number)
        i = (i + ONE) & last
    return -1 - np.int64(i)


@entry
def refill_states(table, arena, hashes, count):
    """Enter all states into an empty table, as many at a time as `hashes` has room for, so that
    the memory works on all of them. Returns how many."""
    last = np.uint64(len(table) - 1)
    touched = ZERO
    for start in range(0, count, len(hashes)):
        n = min(len(hashes), count - start)
        for j in range(n):
            hashes[j] = hash_of(arena[start + j])
        for j in range(n):
            touched ^= table[hashes[j] & last]
        for j in range(n):
            h = hashes[j]
            i = h & last
            while table[i] != ZERO:
                i = (i + ONE) & last
            table[i] = ((h >> TAG_SHIFT) << TAG_SHIFT) | np.uint64(start + j + 1)
    return count + np.int64(touched & ZERO)


@inlined
def fetch_early(table, arena, found, start, n):
    """Touch what look-ups will need, all at once, so that the memory works on all of them, and
    keep in `found.slot` where to begin.

    Returns a number that stands for nothing, so that it is not left out.
    """
    last = np.uint64(len(table) - 1)
    touched = ZERO
    for j in range(start, n):
        touched ^= table[found.hashes[j] & last]
    for j in range(start, n):
        h = found.hashes[j]
        i = h & last
        while table[i] != ZERO and table[i] >> TAG_SHIFT != h >> TAG_SHIFT:
            i = (i + ONE) & last
        found.slot[j] = i
        if table[i] != ZERO:
            touched ^= arena[(table[i] & LOW32) - ONE, 0]
    return touched


# --- what is remembered ------------------------------------------------------------------------


@inlined
def look_up_first(memo, hint, key, ids):
    """look_up(), by the one mask that `hint` names, see by_mask(); 0 if that finds nothing."""
    if hint >= 0:
        return 0
    m = -hint - 1
    n = recall(memo, U(m + 1), key, ids, memo.mask[U(m)])
    return recalled(memo.table, n) | (m + 1) << BY_MASK if n >= 0 else 0


# --- promises in a state -------------------------------------------------------------------------


@compiled
def judge_now(machine, where, bits, control, memo, paths, work, key, meta):
    """judge(), where it is not known."""
    load_state(machine, where, bits, control, key, meta)
    clear_marks(machine, where)
    judged = call_path(paths[JUDGE], machine.states[0], 0)
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
def judge(machine, where, bits, control, memo, paths, work, key, hint, meta):
    """Which properties do not hold in the state of a key, as a mask; above, by which mask that is
    kept. `hint` as look_up_first() has it."""
    judged = look_up_first(memo, hint, key, where.id_words)
    if judged == 0:
        judged = look_up(memo, JUDGED, key, where.id_words)
    if judged != 0:
        return judged
    return judge_now(machine, where, bits, control, memo, paths, work, key, meta)


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
def recall_steps(states, control, memo, outs, ids, start, end, meta):
    """Look up the steps of states that are expanded next, all in a row, so that the memory works on
    many at a time. Returns a number that stands for nothing."""
    last = len(states.steps) - 1
    touched = 0
    for s in range(start, end):
        key = states.arena[U(s)]
        known_of = states.steps[U(s & last)]
        for t in range(meta[TASKS]):
            known = known_of[t]
            if known <= 0:
                known = look_up_first(memo, known, key, ids)
                root = memo.root[U(control_of(key, t))]
                if known == 0 and root >= 0:
                    known = look_up(memo, root, key, ids)
                known_of[t] = known
            o = U((known & KNOWN) >> PACK)
            touched ^= outs.info[o, INFO_KIND] ^ np.int64(outs.delta[o, 0])
    return touched


@inlined
def expand(
    s, ring, machine, where, states, bits, control, memo, outs, work, found, paths, n, first, meta
):
    """Put the successors of state `s` behind the `n` that are found. Returns how many there are
    then; -1, and the reason in meta[NEED], if there was no room for something.

    `ring` is where states.steps has what is known of the steps of `s`, -1 if nowhere.
    """
    key = work.key
    for w in range(len(key)):
        key[w] = states.arena[U(s), w]
    mentioned = np.int64(states.mentioned[U(s)])
    begin = 0
    end = meta[TASKS]
    outs_kept = meta[OUTS]
    for t in range(meta[TASKS]):
        known = states.steps[ring, t] if ring >= 0 else 0
        if known == 0:
            root = memo.root[control_of(key, t)]
            if root < 0:
                root = root_of(control, memo, control_of(key, t), meta)
                if root < 0:
                    return -1
            known = look_up(memo, root, key, where.id_words)
            if known == 0:
                known = take_steps(
                    machine, where, bits, control, memo, outs, paths, work, t, key, root, meta
                )
                if meta[NEED] != 0:
                    return -1
                if known > KNOWN:
                    outs_kept = meta[OUTS]
            if ring >= 0:
                states.steps[ring, t] = known if known > KNOWN else 0
        work.known[t] = known & KNOWN
        if meta[REDUCED] and outs.info[work.known[t] >> PACK, INFO_OWN]:
            begin = t
            end = t + 1
            meta[ALONE] += 1
            break
    moved = False
    blocked = False
    waiting = False
    transitions = 0
    names = names_of_all(control, key, meta) if meta[CANONICAL] else ZERO
    for t in range(begin, end):
        value = work.known[t]
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
                note_rows(first, 0, broken, s, outs.info[o, INFO_MOVE])
            if outs.info[o, INFO_BUG] != 0:
                note_first(first, ROW_BUGS + outs.info[o, INFO_BUG], s, outs.info[o, INFO_MOVE])
                continue
            if n >= len(found.keys):
                note_first(first, ROW_BUGS + BUG_CHOICE_OVERFLOW, s, outs.info[o, INFO_MOVE])
                continue
            to = found.keys[U(n)]
            for w in range(len(key)):
                to[w] = key[w] ^ outs.delta[o, w]
            found.mentioned[n] = mentioned
            in_records = outs.info[o, INFO_RECORD] > mentioned
            if meta[CANONICAL] and (outs.info[o, INFO_NAMES] or in_records):
                found.mentioned[n] = settle_names(
                    machine, where, bits, control, memo, work, to, names, outs.delta[o], mentioned,
                    in_records, meta,
                )  # fmt: skip
                if meta[NEED] != 0:
                    return -1
            found.hashes[n] = hash_of(to)
            found.source[n] = s
            found.move[n] = outs.info[o, INFO_MOVE]
            n += 1
    meta[OUTS] = outs_kept  # what is not remembered was for this state only
    if not moved:
        states.flags[s] = DEADLOCK if blocked else STUCK if waiting else FINAL
    if meta[LISTED] < 0:
        meta[TRANSITIONS] += transitions
    return n


@inlined
def inherit(states, memo, ids, source, to, key, meta):
    """What is known of the steps of `source` and holds in its successor `to` just as well; of the
    others, less than 0, by which mask it was found: that is likely to find it again."""
    ring = len(states.steps) - 1
    old = states.arena[U(source)]
    from_row = states.steps[U(source & ring)]
    to_row = states.steps[U(to & ring)]
    for t in range(meta[TASKS] + 1):
        known = from_row[t]
        if known != 0:
            if t < meta[TASKS] and control_of(old, t) != control_of(key, t):
                known = 0
            m = (known >> BY_MASK) - 1
            for w in range(memo.mask.shape[1]):
                if m >= 0 and (old[U(ids + w)] ^ key[U(ids + w)]) & memo.mask[U(m), w] != ZERO:
                    known = -m - 1
        to_row[t] = known


@inlined
def enter(
    machine, where, states, bits, control, memo, work, found, j, h, slot, mine, paths, first, meta
):
    """Enter a new state, where find_state() said, and judge it. Returns its number."""
    key = found.keys[j]
    to = meta[COUNT]
    meta[COUNT] = to + 1
    states.table[-1 - slot] = ((h >> TAG_SHIFT) << TAG_SHIFT) | np.uint64(to + 1)
    for w in range(len(key)):
        states.arena[to, w] = key[w]
    states.flags[to] = 0
    states.onward[to] = -1
    states.mentioned[to] = found.mentioned[j]
    ring = to & (len(states.steps) - 1)
    tasks = meta[TASKS]
    if mine:
        inherit(states, memo, where.id_words, found.source[j], to, key, meta)
    else:
        for t in range(tasks + 1):
            states.steps[ring, t] = 0
    judged = states.steps[ring, tasks]
    if judged <= 0:
        judged = judge(machine, where, bits, control, memo, paths, work, key, judged, meta)
        states.steps[ring, tasks] = judged if judged > KNOWN else 0
    if judged & KNOWN != 0:
        note_rows(first, ROW_PROPERTIES, judged & KNOWN, to, -1)
    return to


@inlined
def note_edge(edges, source, to, move, meta):
    """Keep that a step leads from one state to another."""
    e = meta[EDGES]
    edges.source[e] = source
    edges.to[e] = to
    edges.move[e] = move
    meta[EDGES] = e + 1


@inlined
def send(found, j, box, meta):
    """Put a successor that belongs to another worker where that one finds it."""
    k = meta[SENT]
    for w in range(box.keys.shape[1]):
        box.keys[k, w] = found.keys[j, w]
    box.hashes[k] = found.hashes[j]
    box.source[k] = found.source[j]
    box.move[k] = found.move[j]
    box.mentioned[k] = found.mentioned[j]
    meta[SENT] = k + 1


@inlined
def absorb(
    machine, where, states, bits, control, memo, work, found, box, edges, paths, n, first, meta
):
    """Enter the states among `n` successors that are new."""
    meta[TOUCHED] = np.int64(fetch_early(states.table, states.arena, found, 0, n) & ONE)
    many = meta[WORKERS]
    for j in range(n):
        h = found.hashes[j]
        if many > 1 and owner_of(found.keys[j], meta) != meta[ME]:
            send(found, j, box, meta)
            continue
        source = found.source[j]
        to = find_state(states.table, states.arena, found.keys[j], h, found.slot[j])
        if meta[LISTED] >= 0:
            at = to * many + meta[ME] if to >= 0 else -1
            note_edge(edges, source * many + meta[ME], at, found.move[j], meta)
            continue
        if to < 0:
            to = enter(
                machine, where, states, bits, control, memo, work, found, j, h, to, True, paths,
                first, meta,
            )  # fmt: skip
            states.parent[to] = source * many + meta[ME]
        if to > source:
            states.flags[source] |= LEADS_ON
        if to > source or states.onward[source] < 0:
            states.onward[source] = to * many + meta[ME]


@entry
def receive(
    machine, where, states, bits, control, memo, work, box, edges, paths, first, meta, other, flags,
    onward,
):  # fmt: skip
    """absorb() for what worker `other` sent; its states have `flags` and lead `onward`.

    Returns why it ended.
    """
    many = meta[WORKERS]
    while meta[RECEIVED] < len(box.hashes):
        start = meta[RECEIVED]
        n = min(start + BATCH * 4, len(box.hashes))
        if meta[COUNT] + BATCH * 4 > len(states.parent) or full(states, meta):
            return GROW_STATES
        if meta[COUNT] + BATCH * 4 - meta[HEAD] > len(states.steps):
            return GROW_RING
        if meta[LISTED] >= 0 and meta[EDGES] + BATCH * 4 > len(edges.source):
            return GROW_EDGES
        meta[TOUCHED] = np.int64(fetch_early(states.table, states.arena, box, start, n) & ONE)
        for j in range(start, n):
            h = box.hashes[j]
            if owner_of(box.keys[j], meta) != meta[ME]:
                continue
            source = box.source[j]
            to = find_state(states.table, states.arena, box.keys[j], h, box.slot[j])
            if meta[LISTED] >= 0:
                at = to * many + meta[ME] if to >= 0 else -1
                note_edge(edges, source * many + other, at, box.move[j], meta)
                continue
            if to < 0:
                to = enter(
                    machine, where, states, bits, control, memo, work, box, j, h, to, False, paths,
                    first, meta,
                )  # fmt: skip
                states.parent[to] = source * many + other
            # Levels come first in the order of states, then workers.
            later = to >= meta[LEVEL_END] or (to >= meta[LEVEL_START] and meta[ME] > other)
            if later:
                flags[source] |= LEADS_ON
            if later or onward[source] < 0:
                onward[source] = to * many + meta[ME]
        meta[RECEIVED] = n
    return DONE


@inlined
def full(states, meta):
    """Whether the table of states is so full that finding one in it takes long."""
    return (meta[COUNT] + 2 * MAX_SUCCESSORS) * 5 > len(states.table) * 3


@inlined
def room(states, found, box, edges, meta):
    """What there is no room for to go on; DONE if for nothing."""
    n = len(found.keys)
    if meta[LISTED] >= 0:
        if meta[EDGES] + n > len(edges.source):
            return GROW_EDGES
    elif meta[COUNT] + n > len(states.parent) or full(states, meta):
        return GROW_STATES
    elif meta[COUNT] + n - meta[HEAD] > len(states.steps):
        return GROW_RING
    if meta[WORKERS] > 1 and meta[SENT] + n > len(box.hashes):
        return GROW_BOX
    return DONE


@entry
def explore_chunk(
    machine, where, states, bits, control, memo, outs, work, found, box, edges, paths, first, meta,
    limit,
):  # fmt: skip
    """Expand at most `limit` states, breadth first. Returns why it ended.

    One worker of several ends with its part of a level. Where states are listed, they are what is
    expanded, and only the edges from them are noted.
    """
    expanded = 0
    listed = meta[LISTED]
    while True:
        if listed >= 0:
            if meta[NEXT] == listed:
                return DONE
        elif meta[HEAD] == meta[LEVEL_END]:
            if meta[HEAD] == meta[COUNT] or meta[WORKERS] > 1:
                return DONE
            meta[DEPTH] += 1
            meta[LEVEL_END] = meta[COUNT]
        if expanded >= limit:
            return LIMIT
        lack = room(states, found, box, edges, meta)
        if lack != DONE:
            return lack
        n = 0
        meta[NEED] = 0
        last = listed if listed >= 0 else meta[LEVEL_END]
        at = NEXT if listed >= 0 else HEAD
        if listed < 0:
            soon = min(meta[HEAD] + BATCH, last)
            meta[TOUCHED] = recall_steps(
                states, control, memo, outs, where.id_words, meta[HEAD], soon, meta
            )
        for _ in range(BATCH):
            if meta[at] == last or expanded >= limit:
                break
            s = work.list[meta[NEXT]] if listed >= 0 else meta[HEAD]
            ring = -1 if listed >= 0 else s & (len(states.steps) - 1)
            after = expand(
                s, ring, machine, where, states, bits, control, memo, outs, work, found, paths, n,
                first, meta,
            )  # fmt: skip
            if after < 0:
                break
            n = after
            meta[at] += 1
            expanded += 1
        need = meta[NEED]
        absorb(
            machine, where, states, bits, control, memo, work, found, box, edges, paths, n, first,
            meta,
        )  # fmt: skip
        if need != 0 or meta[NEED] != 0:
            return need if need != 0 else meta[NEED]
