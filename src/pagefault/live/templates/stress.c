/* Stress: all tasks run free, many times, with random delays and on changing CPUs. */

enum { MAX_OUTCOMES = 256 };

static struct outcome {
	char text[256];
	int holds;
	long times;
} outcomes[MAX_OUTCOMES];
static int nr_outcomes;

static void count_outcome(const char *text, int holds)
{
	for (int i = 0; i < nr_outcomes; i++)
		if (!strcmp(outcomes[i].text, text)) {
			outcomes[i].times++;
			return;
		}
	if (nr_outcomes == MAX_OUTCOMES)
		return;
	struct outcome *new = &outcomes[nr_outcomes++];
	strcpy(new->text, text);
	new->holds = holds;
	new->times = 1;
}

/* The values of what the condition is about. */
static void observe(char *text, size_t size)
{
	size_t at = 0;

	for (int i = 0; i < test->places && at < size; i++) {
		const struct place *place = &test->place[i];
		long value = place->what == 'r' ? reg(place->task, place->number) :
			     place->what == 's' ? signal_of(place->task) :
			     cell(place->task, place->number, place->cell);
		if (value == UNSEEN)
			at += snprintf(text + at, size - at, "%s=-; ", place->name);
		else
			at += snprintf(text + at, size - at, "%s=%ld; ", place->name, value);
	}
}

/* Whether all that are not done wait for something that nobody does any more. */
static int all_wait(int progress)
{
	for (int i = 0; i < test->tasks; i++)
		if (shared->seat[i].state == RUNNING && !value_now(&shared->seat[i].waiting))
			return 0;
	return value_now(&shared->progress) == progress;
}

/* 0 if somebody was not done in time. */
static int run_free(unsigned seed)
{
	int done = 0, over = 0;

	set_the_scene();
	shared->seed = seed;
	start_processes();
	not_busy();
	for (int tries = 0; tries < TIMEOUT / 10 && !done && !over; tries++) {
		int progress = value_now(&shared->progress);
		done = await_turn(DRIVER, 10);
		over = !done && all_wait(progress);
	}
	look();
	clear_up();
	return done || over;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

/* The histogram as litmus7 prints it. */
static void print_histogram(double seconds)
{
	long positive = 0, all = 0;

	printf("Test %s %s\n", test->name, !strcmp(test->quantifier, "forall") ? "Required" : "Allowed");
	printf("Histogram (%d states)\n", nr_outcomes);
	for (int i = 0; i < nr_outcomes; i++) {
		struct outcome *o = &outcomes[i];
		printf("%-8ld%s>%s\n", o->times, o->holds ? "*" : ":", o->text);
		all += o->times;
		positive += o->holds ? o->times : 0;
	}
	printf("Witnesses\nPositive: %ld, Negative: %ld\n", positive, all - positive);
	printf("Condition %s (%s)\n", test->quantifier, test->condition);
	printf("Observation %s %s %ld %ld\n", test->name,
	       positive == 0 ? "Never" : positive == all ? "Always" : "Sometimes",
	       positive, all - positive);
	printf("Time %s %.2f\n", test->name, seconds);
}

static void stress(int number, long iterations)
{
	char text[256];
	double start = now();
	long hung = 0;

	nr_outcomes = 0;
	shared->free_running = 1;
	for (long i = 0; i < iterations; i++) {
		int in_time = run_free(i + 1);
		if (shared->status == UNABLE) {
			shared->free_running = 0;
			printf("skip %d %s\n", number, shared->why);
			return;
		}
		observe(text, sizeof(text));
		if (in_time)
			count_outcome(text, test->holds());
		else
			hung++;
	}
	shared->free_running = 0;
	print_histogram(now() - start);
	if (hung)
		printf("Hung %s %ld\n", test->name, hung);
}
