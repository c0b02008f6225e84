/* A FOLL_GET reference: vmsplice() into a pipe of its own. Reading by DMA is tee() and read(), which
 * leaves the reference where it is. */

static struct { int hold[2], copy[2]; } spliced[MAX_PINS];

static int probe_tee(void)
{
	for (int n = 0; n < MAX_PINS; n++) {
		int error = make_pipe(spliced[n].hold);
		if (!error)
			error = make_pipe(spliced[n].copy);
		if (error)
			return error;
	}
	return 0;
}

HELPER long splice_get(int pin, int page)
{
	struct iovec buffer = { address(page), page_bytes };
	int error = 0;

	while (vmsplice(spliced[pin].hold[1], &buffer, 1, SPLICE_F_NONBLOCK) < 0) {
		error = errno;
		if (!waits_for_answer(error, me, page, 0))
			break;
		error = 0;
		blocked();
	}
	return pin_taken(&shared->pin[pin], page, 0, error);
}

/* With FOLL_WRITE: a write fault that stores nothing new, then the reference. Between the two
 * nobody moves in a forced schedule, and free running is refused. */
HELPER long splice_get_write(int pin, int page)
{
	struct pin *p = &shared->pin[pin];
	int signal_before = shared->seat[me].signal, signal;

	do {
		signal = sigsetjmp(escape, 0);
		if (!signal)
			__atomic_fetch_add((char *)cell_of(page, 0), 0, __ATOMIC_SEQ_CST);
	} while (signal && waited_for_answer(signal));
	if (signal) {
		shared->seat[me].signal = signal_before;
		return pin_taken(p, page, 1, EFAULT);
	}
	splice_get(pin, page);
	p->writable = 1;
	return p->state == PIN_HELD ? 0 : -EFAULT;
}

HELPER long splice_read(int n, int cell)
{
	static signed char copies[MAX_TASKS][65536];
	struct pin *pin = &shared->pin[n];
	long error = use_pin(pin, 0);

	if (error)
		return error;
	if (tee(spliced[n].hold[0], spliced[n].copy[1], page_bytes, SPLICE_F_NONBLOCK) < 0 ||
	    read(spliced[n].copy[0], copies[me], page_bytes) < 0)
		error = -errno;
	unlock_pin(pin);
	return error ? error : copies[me][cell * CELL_DISTANCE];
}

/* Only through a reference for reading, which nobody may write through. */
HELPER long splice_write(int n, int cell, long value)
{
	(void)cell;
	(void)value;
	return refuse_write(n);
}

static void splice_drop(int n)
{
	drain(spliced[n].hold[0]);
}

HELPER long splice_unpin(int n)
{
	return drop_pin(n, splice_drop);
}
