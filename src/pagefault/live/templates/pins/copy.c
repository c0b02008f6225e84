/* A pin for reading (FOLL_PIN): process_vm_readv() by a thread of the driver, held up by userfaultfd
 * on its destination. The kernel pins the page, begins to copy, and waits for the missing page: so
 * the pin is held. The first missing page takes all cells, so to let it in is one DMA read; the
 * second one takes the rest and ends the call. A pin that is read several times is as many calls. */

enum {
	HOLDS = 4,		/* of one pin */
	HOLD_IDLE = 0, HOLD_ASKED, HOLD_FAILED,
};

struct hold {
	int state;		/* futex */
	int pid, error, fetched;
	char *from;
};

static struct { int calls, used, by_gup_test; struct hold hold[HOLDS]; } *held;	/* by pin; shared */
static struct { int uffd; char *to; } catcher[MAX_PINS][HOLDS];

/* Two pages that are missing until somebody lets them in. 0 or an errno. */
static int set_up_catcher(int pin, int n)
{
	size_t bytes = 2 * page_bytes;
	char *to = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (to == MAP_FAILED || madvise(to, bytes, MADV_DONTFORK) < 0)
		return errno;
	catcher[pin][n].to = to;
	catcher[pin][n].uffd = catch_missing(to, bytes);
	return catcher[pin][n].uffd < 0 ? errno : 0;
}

static void let_in(int pin, int n, int which)
{
	supply(catcher[pin][n].uffd, catcher[pin][n].to + which * page_bytes);
}

/* Wait until the call stands before its next missing page: 1; or has ended: 0. */
static int await_fault(int pin, int n)
{
	struct pollfd poller = { catcher[pin][n].uffd, POLLIN, 0 };
	char message[32];	/* struct uffd_msg */

	while (value_now(&held[pin].hold[n].state) == HOLD_ASKED)
		if (poll(&poller, 1, 1) > 0 && read(poller.fd, message, sizeof(message)) > 0)
			return 1;
	return 0;
}

static void *hold_pages(void *which)
{
	int pin = (long)which / HOLDS, n = (long)which % HOLDS;
	struct hold *hold = &held[pin].hold[n];
	char *to = catcher[pin][n].to;
	struct iovec local[2] = { { to, page_bytes - 4 }, { to + page_bytes, 4 } };

	for (;;) {
		int state;
		while ((state = value_now(&hold->state)) != HOLD_ASKED)
			futex(&hold->state, FUTEX_WAIT, state, NULL);
		/* Not at the end of the last call: who ended it might still let pages in. */
		madvise(to, 2 * page_bytes, MADV_DONTNEED);
		struct iovec remote = { hold->from, page_bytes };
		long got = process_vm_readv(hold->pid, local, 2, &remote, 1, 0);
		hold->error = got < 0 ? errno : 0;
		set_now(&hold->state, got < 0 ? HOLD_FAILED : HOLD_IDLE);
		futex(&hold->state, FUTEX_WAKE, INT_MAX, NULL);
	}
	return NULL;
}

static int probe_userfaultfd(void)
{
	held = mmap(NULL, MAX_PINS * sizeof(*held), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (long i = 0; i < MAX_PINS * HOLDS; i++) {
		pthread_t thread;
		int error = set_up_catcher(i / HOLDS, i % HOLDS);
		if (!error)
			error = pthread_create(&thread, NULL, hold_pages, (void *)i);
		if (error)
			return error;
	}
	return 0;
}

static int begin_hold(int pin, int n, int page)
{
	struct hold *hold = &held[pin].hold[n];

	hold->pid = getpid();
	hold->from = address(page);
	hold->fetched = 0;
	set_now(&hold->state, HOLD_ASKED);
	futex(&hold->state, FUTEX_WAKE, 1, NULL);
	return await_fault(pin, n) ? 0 : hold->error;
}

static void end_hold(int pin, int n)
{
	int *state = &held[pin].hold[n].state;

	while (value_now(state) == HOLD_ASKED) {
		let_in(pin, n, 0);
		let_in(pin, n, 1);
		futex(state, FUTEX_WAIT, HOLD_ASKED, &(struct timespec){ .tv_nsec = 1000000 });
	}
}

static void copy_drop(int pin)
{
	for (int n = 0; n < HOLDS; n++)
		end_hold(pin, n);
}

/* `calls`: how often the test reads through the pin. */
HELPER long copy_pin(int n, int page, int calls)
{
	int error = 0;

	held[n].calls = calls;
	held[n].used = 0;
	for (int i = 0; i < calls && !error; i++)
		while ((error = begin_hold(n, i, page)) && waits_for_answer(error, me, page, 0))
			blocked();
	return pin_taken(&shared->pin[n], page, 0, error);
}

HELPER long copy_read(int n, int cell)
{
	struct pin *pin = &shared->pin[n];
	signed char value = 0;
	struct iovec local = { &value, 1 }, remote = { NULL, 1 };
	long error = use_pin(pin, 0);

	if (error)
		return error;
	int i = held[n].used++;
	let_in(n, i, 0);
	if (!await_fault(n, i))
		error = -EIO;
	remote.iov_base = catcher[n][i].to + cell * CELL_DISTANCE;
	if (!error && process_vm_readv(shared->driver, &local, 1, &remote, 1, 0) < 0)
		error = -errno;
	unlock_pin(pin);
	return error ? error : value;
}

/* The reference is for reading. */
HELPER long copy_write(int n, int cell, long value)
{
	(void)cell;
	(void)value;
	return refuse_write(n);
}

HELPER long copy_unpin(int n)
{
	return drop_pin(n, copy_drop);
}
