"""The search core, continued: what a step changes, and the canonical names of frames."""

from __future__ import annotations

import numpy as np

from pagefault.consts import (
    BUG_CHOICE_OVERFLOW,
    MOVED,
    NR_CHOICES,
    NR_PFN,
    PFN_SHIFT,
    SPINNING,
    TASK_RUNNING,
)
from pagefault.explore.control import (
    control_number,
    control_of,
    load_state,
    named_pfn,
    put_control,
)
from pagefault.explore.numbers import spell_out, value_word
from pagefault.explore.remembered import (
    CHOICE_BITS,
    CHOICE_MASK,
    CONTROL_SEEN,
    FOUR,
    GROW_MEMORY,
    INFO_BROKEN,
    INFO_BUG,
    INFO_CONTROL,
    INFO_KIND,
    INFO_NAMES,
    INFO_OWN,
    INFO_RECORD,
    INFO_VISIBLE,
    MAX_SUCCESSORS,
    MENTIONED,
    NEED,
    NIBBLE,
    NOT_RUNNING,
    NOTED,
    OF_NAMING,
    OF_RENAMED_LOCAL,
    OF_RENAMING,
    ONE,
    OUTS,
    PACK,
    RENAMINGS,
    SPREAD,
    STOP_AT_YIELD,
    TAKEN,
    TASKS,
    ZERO,
    U,
    clear_choices,
    has_room,
    keep,
    lowest_bit,
    mix,
    number_bit,
    recall,
    recalled,
    remember,
    take_step,
)
from pagefault.jit import compiled, inlined, seen

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


@inlined
def take_back(machine, work, n):
    """Make the first `n` words that a step changed what they were before."""
    for i in range(n):
        machine.words[work.changed[i]] = machine.base[work.changed[i]]


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
def note_change(machine, where, bits, control, memo, outs, work, o, t, n, meta):
    """Fill in what a step of task `t` changed, `n` words. True if it changed another's control
    state."""
    st = machine.states[0]
    words = machine.words
    base = machine.base
    delta = outs.delta[o]
    ids = where.id_words
    others = False
    for i in range(n):
        w = work.changed[i]
        d = words[w] ^ base[w]
        if d & where.local_bits[w] != ZERO and where.owner[w] != t:
            others = True
        d &= ~where.local_bits[w]
        if d & where.naming_bits[w] != ZERO:
            outs.info[o, INFO_NAMES] = 1
        if d & where.record_bits[w] != ZERO:
            outs.info[o, INFO_RECORD] = max(outs.info[o, INFO_RECORD], where.last_frame[w])
        if d & ~work.hidden[where.scan_at[w]] != ZERO:
            outs.info[o, INFO_VISIBLE] = 1
        while d != ZERO:
            k = number_bit(np.int64(w) * 64 + lowest_bit(d), where, bits, memo, meta)
            if k < 0:
                return others
            d &= d - ONE
            delta[ids + (k >> 6)] |= ONE << np.uint64(k & 63)
    for u in range(meta[TASKS]):
        if u == t or others:
            old = control_of(machine.loaded, u)
            new = control_number(st, words, where, control, work.registers, u, meta)
            if new < 0:
                return others
            if u == t and new > old:
                outs.info[o, INFO_OWN] = 1  # unless something speaks against it, see is_own()
            delta[u >> 2] |= np.uint64(old ^ new) << np.uint64(16 * (u & 3))
            if control.names[old] != control.names[new]:
                outs.info[o, INFO_NAMES] = 1
    return others


@compiled
def note_marks(machine, where, work, t, meta):
    """Keep what task `t` has seen in a step. Returns whether it has all that for itself."""
    alone = True
    for i in range(len(where.scan)):
        w = where.scan[i]
        marks = machine.marks[w] & ~where.local_bits[w]
        work.touched[t, i] |= marks
        if marks & ~work.own[t, i] != ZERO:
            alone = False
        for u in range(meta[TASKS]):
            if u != t and marks & work.own[u, i] != ZERO:
                meta[SPREAD] = 1
    return alone


@inlined
def is_own(info):
    """Whether nobody can tell if this step, the only one that its task can take, was taken: it
    moves, breaks and names nothing, and what it changes nobody looks at.

    It must lead to a control state with a higher number, so that no circle is made of such steps.
    """
    return (
        info[INFO_KIND] == MOVED
        and info[INFO_BROKEN] == 0
        and info[INFO_BUG] == 0
        and info[INFO_NAMES] == 0
        and info[INFO_RECORD] == 0
        and info[INFO_VISIBLE] == 0
    )


@compiled
def take_steps(machine, where, bits, control, memo, outs, paths, work, t, key, root, meta):
    """Take the step of task `t`, once for each choice, and remember it.

    Returns the number of the first outcome and how many there are, packed; above, as look_up()
    does, by which mask that is kept, 0 if it is not. meta[NEED] if no room.
    """
    load_state(machine, where, bits, control, key, meta)
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
        packed = np.int64(t) | np.int64(nr) << (4 + CHOICE_BITS * NR_CHOICES)
        for i in range(nr):
            ar[i] = st.arity[i]
            if i >= given:
                cv[i] = 0  # was not given: the first answer was taken
            if np.int64(st.choice[i]) >> CHOICE_BITS and st.bug == 0:
                st.bug = BUG_CHOICE_OVERFLOW
            packed |= (np.int64(st.choice[i]) & CHOICE_MASK) << (4 + CHOICE_BITS * i)
        if nr > 0 or given > 0:
            clear_choices(st)
        outs.info[o, INFO_CONTROL] = control_of(key, t)
        outs.move[o] = packed
        frames = max(depth, np.int64(task.depth))
        broken = st.broken
        bug = st.bug
        st.broken = 0
        st.bug = 0
        changed = changed_words(machine.words, machine.base, where, t, frames, work.changed)
        if outcome == SPINNING:  # a step that leads to where it began
            take_back(machine, work, changed)
            changed = 0
            outcome = MOVED
        outs.info[o, INFO_KIND] = outcome
        if outcome == MOVED:
            outs.info[o, INFO_BROKEN] = broken
            outs.info[o, INFO_BUG] = bug
            if bug == 0:
                others |= note_change(
                    machine, where, bits, control, memo, outs, work, o, t, changed, meta
                )
        take_back(machine, work, changed)
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
    meta[OUTS] = first + n
    if meta[NEED] != 0:
        return value
    alone = meta[NOTED] and note_marks(machine, where, work, t, meta)
    if others or saw_control(machine, where, t):
        meta[CONTROL_SEEN] = 1
        outs.info[first, INFO_OWN] = 0
        return value
    if not (alone and n == 1 and is_own(outs.info[first])):
        outs.info[first, INFO_OWN] = 0
    known = remember(machine, memo, root, key, value, bits, where, meta)
    return known if known != 0 else value


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
        rest = control.names[U(control_of(key, t))]
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


@compiled
def mentions_in_order(machine, where, bits, control, memo, work, key, sequence, meta):
    """How many frames the state of a key mentions, doubled, plus 1 if they are numbered in order of
    mention."""
    load_state(machine, where, bits, control, key, meta)
    st = machine.states[0]
    find_names(machine.raw, machine.words, st, meta, where, work.registers, work.names, work.frames)
    value = 2 * meta[MENTIONED] + 1
    for i in range(meta[MENTIONED]):
        p = work.frames[2, i]
        if work.names[p] != p:
            value = 2 * meta[MENTIONED]
    if has_room(memo, meta):
        keep(memo, OF_NAMING | sequence, key, where.id_words, bits.naming, value, meta)
    return value


@compiled
def renaming_of(machine, where, bits, control, memo, work, key, sequence, meta):
    """The number of the renaming that makes the state of a key canonical; -1 if no room."""
    if not has_room(memo, meta):
        return -1
    if meta[RENAMINGS] == len(memo.new_names):
        meta[NEED] = GROW_MEMORY
        return -1
    load_state(machine, where, bits, control, key, meta)
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
        n = changed_everywhere(words, base, where, st, meta, work.changed)
        for i in range(n):
            w = work.changed[i]
            d = (words[w] ^ base[w]) & ~where.local_bits[w]
            words[w] = base[w]
            while d != ZERO and meta[NEED] == 0:
                k = number_bit(np.int64(w) * 64 + lowest_bit(d), where, bits, memo, meta)
                d &= d - ONE
                if k >= 0:
                    memo.delta[r, k >> 6] |= ONE << np.uint64(k & 63)
        if meta[NEED] != 0:
            return -1
    meta[RENAMINGS] = r + 1
    keep(memo, OF_RENAMING | sequence, key, where.id_words, bits.renaming, r, meta)
    return r


@compiled
def renamed_control(machine, where, bits, control, memo, work, key, t, packed, meta):
    """The control state of task `t` with the frames that it names renamed; -1 if no room."""
    c = control_of(key, t)
    if not has_room(memo, meta):
        return -1
    load_state(machine, where, bits, control, key, meta)
    st = machine.states[0]
    for p in range(NR_PFN):
        work.names[p] = 0
    for p in range(1, NR_PFN):
        work.names[p] = np.int64((packed >> np.uint64(4 * (p - 1))) & NIBBLE)
    rename_registers(st, t, work.registers, work.names)
    new = control_number(st, machine.words, where, control, work.registers, t, meta)
    n = changed_everywhere(machine.words, machine.base, where, st, meta, work.changed)
    for i in range(n):
        machine.words[work.changed[i]] = machine.base[work.changed[i]]
    if new < 0:
        return -1
    memo.row[0] = packed
    keep(memo, OF_RENAMED_LOCAL | U(c), memo.row, 0, memo.all, new, meta)
    return new


@inlined
def settle_control(machine, where, values, bits, control, memo, work, key, packed, meta):
    """Rename in control states. False, and the reason in meta[NEED], if there was no room."""
    for t in range(meta[TASKS]):
        c = control_of(key, t)
        new = np.int64(c)
        if control.names[U(c)] != ZERO:
            memo.row[0] = packed
            n = recall(memo, OF_RENAMED_LOCAL | U(c), memo.row, 0, memo.all)
            if n >= 0:
                new = recalled(memo.table, n)
            else:
                spell_out(values, key, where.id_words, work.settled, meta)
                new = renamed_control(
                    machine, where, bits, control, memo, work, work.settled, t, packed, meta
                )
                if new < 0:
                    return False
        work.renamed[t] = new
    for t in range(meta[TASKS]):
        put_control(key, t, work.renamed[t])
    return True


@inlined
def settle_names(
    machine, where, values, bits, control, memo, work, key, mentioned, in_records, meta
):
    """Give the frames of a key their canonical names; how many it mentions. meta[NEED] if no room.

    The state that it was reached from mentions `mentioned` frames and is canonical; `in_records`
    tells whether the step changed records of others. Here is what is remembered; the functions
    above are called where it is not. What was asked lately is found by the value's number.
    """
    ids = where.id_words
    word = key[U(ids)]
    sequence = names_of_all(control, key, meta)
    lately = memo.settled[mix(sequence, word) & U(len(memo.settled) - 1)]
    if lately[0] != word or lately[1] != sequence:
        full = work.settled
        spell_out(values, key, ids, full, meta)
        n = recall(memo, OF_NAMING | sequence, full, ids, bits.naming)
        if n >= 0:
            told = recalled(memo.table, n)
        else:
            told = mentions_in_order(
                machine, where, bits, control, memo, work, full, sequence, meta
            )
        packed = ZERO
        if told != 2 * mentioned + 1 or in_records:
            n = recall(memo, OF_RENAMING | sequence, full, ids, bits.renaming)
            if n >= 0:
                r = recalled(memo.table, n)
            else:
                r = renaming_of(machine, where, bits, control, memo, work, full, sequence, meta)
                if r < 0:
                    return 0
            packed = memo.new_names[r]
            mentioned = memo.mentions[r]
            if packed != ZERO:
                for w in range(memo.delta.shape[1]):
                    full[U(ids + w)] ^= memo.delta[U(r), U(w)]
        lately[0] = word
        lately[1] = sequence
        lately[2] = packed
        lately[3] = value_word(values, full, ids, meta)
        lately[4] = U(mentioned)
    if lately[2] != ZERO:
        if not settle_control(
            machine, where, values, bits, control, memo, work, key, lately[2], meta
        ):
            return 0
        key[U(ids)] = lately[3]
    return np.int64(lately[4])
