/* Turns: one task moves at a time, in the order of shared->move. */

enum { PATIENCE = 5000 };	/* of a task, before it looks whether the driver lives; ms */

static long futex(int *word, int operation, int value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static void give_turn(int who)
{
	struct seat *seat = &shared->seat[who];

	set_now(&seat->turn, 1);
	if (value_now(&seat->asleep))
		futex(&seat->turn, FUTEX_WAKE, 1, NULL);
}

/* Wait for the turn; 0 if the driver has waited for so long in vain. */
static int await_turn(int who, int milliseconds)
{
	struct seat *seat = &shared->seat[who];
	struct timespec patience = { milliseconds / 1000, milliseconds % 1000 * 1000000L };

	for (int i = 0; i < shared->spins && !value_now(&seat->turn); i++)
		relax();
	set_now(&seat->asleep, 1);
	while (!value_now(&seat->turn)) {
		if (futex(&seat->turn, FUTEX_WAIT, 0, &patience) == 0 || errno != ETIMEDOUT)
			continue;
		if (who == DRIVER)
			return 0;
		if (kill(shared->driver, 0) < 0)
			_exit(1);	/* nobody is left to give a turn */
	}
	set_now(&seat->asleep, 0);
	set_now(&seat->turn, 0);
	return 1;
}

/* A port of a virtual machine. What is written to it the host keeps, whatever becomes of the kernel:
 * a line for each schedule, with a dot for each move begun and a ! when all were made. */

enum { RECORDER = 0xe9 };	/* where there is one, it reads as its number */

static int recorder = -1;	/* /dev/port */

static void record(char what)
{
	if (recorder >= 0 && pwrite(recorder, &what, 1, RECORDER) < 0)
		recorder = -1;
}

/* The schedule ends here. */
static void stop(enum status status)
{
	shared->status = status;
	give_turn(DRIVER);
}

static void next_turn(void)
{
	int at = ++shared->position;

	record(at < shared->moves ? '.' : '!');
	if (at >= shared->moves)
		stop(DONE);
	else if (shared->seat[shared->move[at]].state != RUNNING)
		stop(BLOCKED);
	else
		give_turn(shared->move[at]);
}

/* Pages that this CPU has made wait in a batch, with a reference too many, for the LRU lists.
 * Kernels that reuse a page by its reference count would copy it. MADV_COLD drains the batch. */
static void settle(void)
{
	static char scratch[65536] __attribute__((aligned(65536)));

	madvise(scratch, page_bytes, MADV_COLD);
}

enum { DELAY_BITS = 15 };	/* at most some 0.3 ms */

static void random_delay(void)
{
	dice ^= dice << 13;
	dice ^= dice >> 17;
	dice ^= dice << 5;
	/* Of any size, short ones as often as long ones. */
	for (unsigned i = dice % (1u << (dice >> 16) % DELAY_BITS); i > 0; i--)
		relax();
}

/* Ends the statement before, and waits until the next may be done. */
static void step(void)
{
	if (shared->free_running) {
		shared->seat[me].waiting = 0;
		__atomic_add_fetch(&shared->progress, 1, __ATOMIC_SEQ_CST);
		random_delay();
		return;
	}
	if (moving) {
		settle();
		next_turn();
	}
	await_turn(me, PATIENCE);
	moving = 1;
}

/* The statement cannot be done now. In a forced schedule that ends it; else try again. */
HELPER void blocked(void)
{
	if (shared->free_running) {
		set_now(&shared->seat[me].waiting, 1);
		sched_yield();
		return;
	}
	stop(BLOCKED);
	for (;;)
		await_turn(me, PATIENCE);
}

/* This kernel or machine cannot do it. */
HELPER void unable(const char *why)
{
	strncpy(shared->why, why, sizeof(shared->why) - 1);
	stop(UNABLE);
	for (;;)
		await_turn(me, PATIENCE);
}

static void not_busy(void)
{
	if (__atomic_sub_fetch(&shared->busy, 1, __ATOMIC_SEQ_CST) == 0)
		give_turn(DRIVER);
}

static cpu_set_t cpus;		/* that we may use */
static int home;		/* the driver's, counted among those */

static void bind_to(int cpu)
{
	cpu_set_t one;
	int number = 0;

	cpu %= CPU_COUNT(&cpus);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &cpus) && number++ == cpu)
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* The life of a task, but for fork and clone. Does not return. */
static void live(int task)
{
	struct seat *seat = &shared->seat[task];

	me = task;
	moving = 0;
	seat->tid = syscall(SYS_gettid);
	seat->pid = getpid();
	dice = shared->seed * 2654435761u + task * 40503u + 1;
	/* Others may read its memory, where the Yama security module asks. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	if (test->task[task].cpu >= 0)
		bind_to(test->task[task].cpu);
	else if (shared->free_running)
		bind_to(task + shared->seed);
	else if (test->spread)
		bind_to(home + task);
	set_now(&seat->up, 1);
	test->task[task].run();
	seat->state = OVER;
	if (shared->free_running)
		not_busy();
	else if (moving) {
		settle();
		next_turn();
	}
	for (;;)
		await_turn(me, PATIENCE);
}

/* Free running: both sides of a fork or clone go on at the same time. */
HELPER void await_birth(int task)
{
	while (shared->free_running && !value_now(&shared->seat[task].up))
		sched_yield();
}

/* Start a process. */
static long start_process(int task)
{
	struct seat *seat = &shared->seat[task];

	seat->state = RUNNING;
	__atomic_add_fetch(&shared->busy, 1, __ATOMIC_SEQ_CST);
	pid_t pid = test->one_table ? syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0) : fork();
	if (pid == 0)
		live(task);
	if (pid < 0) {
		seat->state = NEW;
		__atomic_sub_fetch(&shared->busy, 1, __ATOMIC_SEQ_CST);
		return -errno;
	}
	seat->pid = seat->tid = pid;
	return 0;
}

/* Faults: a signal ends the access, and the task goes on. */

static __thread sigjmp_buf escape;
static int wait_at_sigbus;	/* of this process: userfaultfd says so that the access waits */

static void caught(int signal)
{
	if (signal != SIGBUS || !wait_at_sigbus)
		shared->seat[me].signal = signal;
	siglongjmp(escape, signal);
}

/* After a signal: whether the access is to be tried again, once somebody has answered. */
HELPER int waited_for_answer(int signal)
{
	if (signal != SIGBUS || !wait_at_sigbus)
		return 0;
	blocked();
	return 1;
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_handler = caught, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}
