/* O_DIRECT, and so a FOLL_GET reference for writing, where it takes such ones (up to 6.4; pins since):
 * a read of a file past the page cache, held up by userfaultfd on the second part of its buffer. The kernel
 * takes the page, waits for the other, and asks the disk only then. So to supply that one is a DMA
 * write of 512 bytes, the cell being the first. */

enum { SECTOR = 512, FLIGHT_IDLE = 0, FLIGHT_ASKED, FLIGHT_LAND, FLIGHT_LANDED };

static struct flight {
	int state;		/* futex */
	int error;
	char *to, *late;	/* the two parts of the buffer */
	int uffd;
	int value;
} *flight;			/* by pin; shared, but the pointers are of the taker's memory */

static int direct_file = -1;

/* A file with a block of two sectors for each value, in the folder that PAGEFAULT_FS names or in the
 * working directory. 0 or an errno. */
static int make_direct_file(void)
{
	static char block[2 * SECTOR];
	const char *folder = getenv("PAGEFAULT_FS");
	char name[4096];

	snprintf(name, sizeof(name), "%s/pagefault-direct", folder ? folder : ".");
	int file = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), error = 0;

	if (file < 0)
		return errno;
	for (int value = 0; value < 128 && !error; value++) {
		memset(block, value, sizeof(block));
		if (write(file, block, sizeof(block)) != sizeof(block))
			error = errno ? errno : ENOSPC;
	}
	if (!error && fsync(file) < 0)
		error = errno;
	close(file);
	direct_file = open(name, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (!error && direct_file < 0)
		error = errno;
	unlink(name);
	return error;
}

static void *fly(void *which)
{
	struct flight *f = which;
	struct iovec buffer[2] = { { f->to, SECTOR }, { f->late, SECTOR } };
	ssize_t got = preadv(direct_file, buffer, 2, f->value * 2 * SECTOR);

	f->error = got < 0 ? errno : got == 2 * SECTOR ? 0 : EIO;
	set_now(&f->state, FLIGHT_LANDED);
	futex(&f->state, FUTEX_WAKE, INT_MAX, NULL);
	return NULL;
}

static void *await_landing(void *which)
{
	struct flight *f = which;
	int state;

	while ((state = value_now(&f->state)) == FLIGHT_ASKED)
		futex(&f->state, FUTEX_WAIT, state, NULL);
	supply(f->uffd, f->late);
	return NULL;
}

/* Begin a read into `to` and wait until it holds the page: 0 or an errno. */
static int take_off(struct flight *f, char *to, int value)
{
	pthread_t thread;

	f->to = to;
	f->value = value;
	f->late = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (f->late == MAP_FAILED)
		return errno;
	f->uffd = catch_missing(f->late, page_bytes);
	if (f->uffd < 0)
		return errno;
	set_now(&f->state, FLIGHT_ASKED);
	int error = pthread_create(&thread, NULL, fly, f);
	if (!error)
		error = pthread_create(&thread, NULL, await_landing, f);
	if (error)
		return error;
	struct pollfd poller = { f->uffd, POLLIN, 0 };
	while (value_now(&f->state) == FLIGHT_ASKED)
		if (poll(&poller, 1, 1) > 0)
			return 0;
	return f->error;
}

/* In a process of its own: whether it can be done, and if it `must_share`, whether fork shares the
 * page, as it does not if it is pinned. */
static int try_direct(int must_share)
{
	char *page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return errno;
	*page = 1;
	int error = take_off(&flight[0], page, 0);
	if (error || !must_share)
		return error;
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	int shares = frame_at(getpid(), (unsigned long)page) == frame_at(pid, (unsigned long)page);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return shares ? 0 : EOPNOTSUPP;
}

static int probe_flight(int must_share)
{
	int status;

	if (flight)
		munmap(flight, MAX_PINS * sizeof(*flight));
	flight = mmap(NULL, MAX_PINS * sizeof(*flight), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int error = probe_frames();
	if (!error)
		error = make_direct_file();
	if (error)
		return error;
	pid_t pid = fork();
	if (pid == 0)
		_exit(try_direct(must_share));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

HELPER int probe_direct(void)
{
	return probe_flight(0);
}

HELPER int probe_direct_get(void)
{
	return probe_flight(1);
}

/* `cell` and `value` are those of the one DMA write that the test does. */
HELPER long direct_get(int n, int page, int cell, int value)
{
	int error = take_off(&flight[n], (char *)cell_of(page, cell), value);

	return pin_taken(&shared->pin[n], page, 1, error);
}

HELPER long direct_write(int n, int cell, long value)
{
	struct pin *pin = &shared->pin[n];
	struct flight *f = &flight[n];
	long error = use_pin(pin, 1);
	int state;

	(void)cell;
	(void)value;
	if (error)
		return error;
	set_now(&f->state, FLIGHT_LAND);
	futex(&f->state, FUTEX_WAKE, INT_MAX, NULL);
	while ((state = value_now(&f->state)) != FLIGHT_LANDED)
		futex(&f->state, FUTEX_WAIT, state, NULL);
	unlock_pin(pin);
	return -f->error;
}

/* The processes that fly have been killed by now. */
static void direct_drop(int n)
{
	set_now(&flight[n].state, FLIGHT_IDLE);
}
