"""The search core, continued: control states, and a key put into the record."""

from __future__ import annotations

import numpy as np

from pagefault.consts import NR_PFN, PAGE_TABLE, PFN_SHIFT, PTE_HAS_PFN
from pagefault.explore.remembered import (
    FOUR,
    GROW_LOCALS,
    HEADER,
    ID_MASK,
    NEED,
    ONE,
    TASKS,
    ZERO,
    U,
    lock,
    lowest_bit,
    mix,
    unlock,
)
from pagefault.jit import compiled, entry, fetch_and_add, inlined


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
def named_pfn(value, is_pte):
    """The pfn that a leaf names, 0 if none."""
    if not is_pte:
        return value if value > 0 else 0
    if value & PTE_HAS_PFN and not value & PAGE_TABLE:
        return value >> PFN_SHIFT
    return 0


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
def find_control(words, where, control, t, n, h):
    """The number of the control state that task `t` is in, or -1 and less: that the slot for it is
    j, as -1 - j."""
    last = np.uint64(len(control.table) - 1)
    i = h & last
    while control.table[i] != 0:
        c = control.table[i] - 1
        if control.task[c] == t and control.used[c] == n:
            if same_control(control.rows[c], words, where, t, n):
                return c
        i = (i + ONE) & last
    return -1 - np.int64(i)


@compiled
def control_number(st, words, where, control, registers, t, meta):
    """The number of the control state that task `t` is in, entered if new; -1 if no room."""
    n = np.int64(st.task[t].depth) * (where.frames[1, 0] // 8)
    start = where.header[t, 0]
    h = mix(ZERO, np.uint64(t))
    for k in range(where.header[t, 1]):
        h = mix(h, words[start + k] & where.local_bits[start + k])
    for k in range(n):
        h = mix(h, words[where.frames[0, t] + k])
    c = find_control(words, where, control, t, n, h)
    if c >= 0:
        return c
    lock(control.count)
    slot = find_control(words, where, control, t, n, h)
    c = slot
    if slot < 0:
        c = control.count[0]
        if c < len(control.rows):
            control.task[c] = t
            control.used[c] = n
            control.names[c] = names_in_registers(st, t, registers)
            for k in range(where.header[t, 1]):
                control.rows[c, k] = words[start + k] & where.local_bits[start + k]
            for k in range(n):
                control.rows[c, HEADER + k] = words[where.frames[0, t] + k]
            fetch_and_add(control.count, 0, 1)
            control.table[-1 - slot] = c + 1
        else:
            c = -1
            meta[NEED] = GROW_LOCALS
    unlock(control.count)
    return c


@entry
def first_key(machine, where, control, registers, meta):
    """Put what the record holds now into `machine.loaded`. Returns how many tasks."""
    for t in range(meta[TASKS]):
        st = machine.states[0]
        c = control_number(st, machine.words, where, control, registers, t, meta)
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
