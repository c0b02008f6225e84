/* Breakpoints for a place of a file, in all processes: perf events of the uprobe PMU. A thread of
 * the driver has them, so that none goes with the task that asked for it. */

enum { INT3 = 0xcc, PLACES = MAX_PAGES * CELLS };
enum { IDLE, ASKED, ANSWERED };

static struct uprobe_desk {
	int lock, state;	/* who may ask; a futex: what became of the question */
	int file, kind, offset, wanted;
	long answer;
} *desk;

static int uprobe_fd[MAX_FILES][PLACES];	/* the driver's, + 1 */
static int uprobe_pmu = -1;

static long open_uprobe(int fd, off_t offset)
{
	char path[32];
	struct { uint32_t type, size; uint64_t config, rest[5], path, offset; } event = {
		.type = uprobe_pmu, .size = sizeof(event),
		.path = (uintptr_t)path, .offset = offset,
	};

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int got = syscall(SYS_perf_event_open, &event, -1, 0, -1, 8 /* PERF_FLAG_FD_CLOEXEC */);
	return got < 0 ? -errno : got;
}

/* What the thread does when it is asked. */
static long change_uprobe(int file, int kind, int offset, int wanted)
{
	int *fd = &uprobe_fd[file][offset];

	if (!wanted) {
		if (!*fd)
			return -ENOENT;
		close(*fd - 1);
		*fd = 0;
		return 0;
	}
	if (*fd)
		return -EBUSY;
	long got = open_uprobe(file_fd[file][kind], offset_of(offset));
	*fd = got < 0 ? 0 : got + 1;
	return got < 0 ? got : 0;
}

static void wait_while(int *word, int value)
{
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
		syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void set_and_wake(int *word, int value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* On one CPU, whose batches for the LRU lists it drains: see settle(). */
static void *serve_uprobes(void *unused)
{
	bind_to(0);
	for (;;) {
		int now = __atomic_load_n(&desk->state, __ATOMIC_SEQ_CST);
		if (now != ASKED) {
			wait_while(&desk->state, now);
			continue;
		}
		desk->answer = change_uprobe(desk->file, desk->kind, desk->offset, desk->wanted);
		settle();
		set_and_wake(&desk->state, ANSWERED);
	}
	return unused;
}

/* By the driver: nobody asks any more. */
static void forget_all_uprobes(void)
{
	wait_while(&desk->state, ASKED);
	for (int f = 0; f < MAX_FILES; f++)
		for (int i = 0; i < PLACES; i++)
			if (uprobe_fd[f][i])
				change_uprobe(f, 0, i, 0);
	set_and_wake(&desk->lock, 0);
}

/* uprobe_register(f[1]), uprobe_unregister(f[1]) */
HELPER long ask_for_uprobe(int file, int offset, int wanted)
{
	while (__atomic_exchange_n(&desk->lock, 1, __ATOMIC_SEQ_CST))
		wait_while(&desk->lock, 1);
	desk->file = file;
	desk->kind = test->file[file].kind;
	desk->offset = offset;
	desk->wanted = wanted;
	set_and_wake(&desk->state, ASKED);
	wait_while(&desk->state, ASKED);
	long answer = desk->answer;
	set_and_wake(&desk->lock, 0);
	return answer;
}

/* Tried: the breakpoint comes to be seen in a private mapping. */
HELPER int probe_uprobes(void)
{
	char text[16] = "";
	pthread_t thread;
	int pmu = open("/sys/bus/event_source/devices/uprobe/type", O_RDONLY | O_CLOEXEC);

	if (pmu < 0 || read(pmu, text, sizeof(text) - 1) <= 0)
		return errno ? errno : EIO;
	close(pmu);
	uprobe_pmu = atoi(text);

	int fd = syscall(SYS_memfd_create, "probe", 1 /* MFD_CLOEXEC */);
	if (fd < 0 || ftruncate(fd, page_bytes) < 0)
		return errno;
	unsigned char *page = mmap(NULL, page_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (page == MAP_FAILED)
		return errno;
	long uprobe = open_uprobe(fd, 0);
	if (uprobe < 0)
		return -uprobe;
	int seen = *page;
	close(uprobe);
	munmap(page, page_bytes);
	close(fd);
	if (seen != INT3)
		return EPERM;

	desk = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (desk == MAP_FAILED)
		return errno;
	forget_uprobes = forget_all_uprobes;
	return pthread_create(&thread, NULL, serve_uprobes, NULL);
}
