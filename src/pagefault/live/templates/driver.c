/* The driver: starts a schedule, waits for its end, looks, and clears up. */

enum { TIMEOUT = 2000 };	/* of a statement; ms */

/* What cells hold at the end: by process, page and cell. */
static int can_look;
static int seen[MAX_TASKS][MAX_PAGES][CELLS];

/* If asked for: the frame of each page at the end, by process and page. */
static int want_frames;
static uint64_t frame[MAX_TASKS][MAX_PAGES];

HELPER long reg(int task, int number)
{
	return shared->seat[task].reg[number];
}

HELPER long signal_of(int task)
{
	return shared->seat[task].signal;
}

HELPER long cell(int process, int page, int index)
{
	return seen[process][page][index];
}

/* A task that still has the address space of process `space`; -1 if none has. */
static int user_of(int space)
{
	for (int t = 0; t < test->tasks; t++) {
		int state = shared->seat[t].state;
		if (test->task[t].space == space && (state == RUNNING || state == OVER))
			return t;
	}
	return -1;
}

/* A thread that has not run yet has not told its number. */
static int thread_of(int task)
{
	while (!value_now(&shared->seat[task].tid))
		sched_yield();
	return shared->seat[task].tid;
}

static void look_at_page(int task, int page)
{
	int space = test->task[task].space;
	signed char value[CELLS];
	struct iovec local = { value, CELLS }, remote[CELLS];

	for (int c = 0; c < CELLS; c++)
		remote[c] = (struct iovec){ address(page) + c * CELL_DISTANCE, 1 };
	long got = process_vm_readv(thread_of(task), &local, 1, remote, CELLS, 0);
	for (int c = 0; c < CELLS; c++)
		seen[space][page][c] = got == CELLS ? value[c] : UNSEEN;
}

static void look(void)
{
	for (int t = 0; t < test->tasks; t++) {
		if (test->task[t].kind != PROCESS)
			continue;
		int user = user_of(t);
		/* Frames first: looking at a page may give it another one. */
		for (int p = 0; want_frames && p < test->pages; p++)
			frame[t][p] = user < 0 ? 0 : frame_of(thread_of(user), p);
		for (int p = 0; p < test->pages; p++) {
			if (user >= 0)
				look_at_page(user, p);
			else
				for (int c = 0; c < CELLS; c++)
					seen[t][p][c] = UNSEEN;
		}
	}
}

/* Wait until a task that called exit() is a zombie, or gone: by then its memory is. */
static void see_off(int task)
{
	char path[64], line[256];
	struct seat *seat = &shared->seat[task];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", seat->pid, seat->tid);
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		ssize_t length = read(fd, line, sizeof(line) - 1);
		close(fd);
		if (length <= 0)
			return;
		line[length] = 0;
		char *state = strrchr(line, ')');
		if (state && (state[2] == 'Z' || state[2] == 'X'))
			return;
		sched_yield();
	}
}

enum { MOST_FILES = 1024 };

static int files_open;		/* descriptors up to here are the driver's */

/* In a table of descriptors that all share, those of a task stay when it ends. */
static void close_what_tasks_opened(void)
{
	if (files_open)
		for (int fd = files_open; fd < MOST_FILES; fd++)
			close(fd);
	files_open = 0;
}

static void remember_files(void)
{
	files_open = test->one_table ? MOST_FILES : 0;
	while (files_open && fcntl(files_open - 1, F_GETFD) < 0)
		files_open--;
}

static void set_the_scene(void)
{
{%- if uses_files %}
	fresh_files();
{%- endif %}
	for (int t = 0; t <= MAX_TASKS; t++) {
		struct seat *seat = &shared->seat[t];
		seat->turn = seat->asleep = seat->waiting = seat->up = 0;
		seat->state = NEW;
		seat->pid = seat->tid = seat->signal = 0;
		memset(seat->reg, 0, sizeof(seat->reg));
	}
	memset(shared->pin, 0, sizeof(shared->pin));
	memset(shared->closed, 0, sizeof(shared->closed));
	shared->position = -1;
	shared->status = MOVING;
	shared->leaving = -1;
	shared->busy = 1;
	shared->progress = 0;
	shared->spins = test->spread && CPU_COUNT(&cpus) > 1 ? 1000 : 0;
	remember_files();
}

static void start_processes(void)
{
	for (int t = 0; t < test->tasks; t++)
		if (test->task[t].kind != THREAD && test->task[t].parent < 0)
			if (start_process(t) < 0)
				die("fork");
}

/* End all tasks, let go of all pins, empty all pipes. */
static void clear_up(void)
{
	int child;

	do {
		/* Again and again: one that was just being forked shows up late. */
		for (int t = 0; t < test->tasks; t++)
			if (test->task[t].kind != THREAD && shared->seat[t].pid > 0)
				kill(shared->seat[t].pid, SIGKILL);
		/* Orphans come to us, see PR_SET_CHILD_SUBREAPER. */
		while ((child = waitpid(-1, NULL, __WALL | WNOHANG)) > 0)
			;
		if (child == 0)
			sched_yield();
	} while (child == 0);
	close_what_tasks_opened();
{%- if uses_files %}
	forget_closed_files();
{%- endif %}
	for (int p = 0; p < test->pins; p++)
		test->drop[p](p);
{%- if uses_pipes %}
	for (int p = 0; p < MAX_PIPES; p++)
		drain(pipe_end[p][0]);
{%- endif %}
}

/* Run one schedule to its end; what came of it stands in `shared` and `seen`. */
static void run_schedule(void)
{
	set_the_scene();
	start_processes();
	next_turn();
	while (shared->status == MOVING || value_now(&shared->seat[DRIVER].turn)) {
		if (!await_turn(DRIVER, TIMEOUT)) {
			shared->status = HUNG;
			break;
		}
		if (shared->leaving >= 0) {
			see_off(shared->leaving);
			shared->leaving = -1;
			next_turn();
		}
	}
	look();
	clear_up();
}

static int find_task(const char *name, size_t length)
{
	for (int t = 0; t < test->tasks; t++)
		if (strlen(test->task[t].name) == length && !strncmp(test->task[t].name, name, length))
			return t;
	return -1;
}

/* Take "P,P,C" for the schedule; 0 if it is none. */
static int set_moves(const char *text)
{
	int moves = 0;

	while (*text) {
		size_t length = strcspn(text, ",");
		int task = find_task(text, length);
		if (task < 0 || moves == MAX_MOVES)
			return 0;
		shared->move[moves++] = task;
		text += length + (text[length] == ',');
	}
	shared->moves = moves;
	return 1;
}

/* The zero page, or some of the huge one, as /proc/kpageflags says where there are huge pages. */
static int is_zero_frame(uint64_t number)
{
	uint64_t page_flags = 0;
	int fd;

	if (number == zero_frame || test->base_pages == 1)
		return number == zero_frame;
	fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, &page_flags, sizeof(page_flags), number * sizeof(page_flags)) < 0)
		page_flags = 0;
	close(fd);
	return page_flags >> 24 & 1;
}

/* Frames by small numbers, in the order of their appearance; the zero page is 0. */
static void print_frames(void)
{
	uint64_t known[MAX_TASKS * MAX_PAGES + 1] = { zero_frame };
	int nr_known = 1;

	for (int t = 0; t < test->tasks; t++)
		for (int p = 0; test->task[t].kind == PROCESS && p < test->pages; p++) {
			int n = 0;
			if (!frame[t][p]) {
				printf(" %s:%s@=-", test->task[t].name, test->page[p]);
				continue;
			}
			while (n < nr_known && known[n] != frame[t][p])
				n++;
			if (n == nr_known && is_zero_frame(frame[t][p])) {
				printf(" %s:%s@=0", test->task[t].name, test->page[p]);
				continue;
			}
			known[n] = frame[t][p];
			nr_known += n == nr_known;
			printf(" %s:%s@=%d", test->task[t].name, test->page[p], n);
		}
}

static void print_state(void)
{
	for (int t = 0; t < test->tasks; t++) {
		const struct task *task = &test->task[t];
		for (int r = 0; r < REGISTERS; r++)
			if (task->registers >> r & 1)
				printf(" %s:r%d=%ld", task->name, r, shared->seat[t].reg[r]);
		if (shared->seat[t].signal)
			printf(" %s:signal=%d", task->name, shared->seat[t].signal);
		for (int p = 0; can_look && task->kind == PROCESS && p < test->pages; p++) {
			printf(" %s:%s=", task->name, test->page[p]);
			if (seen[t][p][0] == UNSEEN)
				printf("-");
			else
				for (int c = 0; c < CELLS; c++)
					printf("%s%d", c ? "," : "", seen[t][p][c]);
		}
	}
}

/* One line: number of the test, schedule, what became of it, where it stopped, condition, state. */
static void run_and_print(int number, const char *schedule)
{
	static const char *const words[] = {
		[DONE] = "done", [BLOCKED] = "blocked", [HUNG] = "hung", [UNABLE] = "unable",
	};

	if (!set_moves(schedule)) {
		printf("run %d %s bad\n", number, schedule);
		return;
	}
	run_schedule();
	printf("run %d %s %s %d", number, *schedule ? schedule : ",", words[shared->status],
	       shared->position);
	if (shared->status == UNABLE)
		printf(" %s\n", shared->why);
	else {
		printf(" %c", test->holds() ? '*' : '.');
		print_state();
		if (want_frames)
			print_frames();
		printf("\n");
	}
}
