/*
 * What the steps cost of which direct-map changes are made: prints lines "NAME X NANOSECONDS", one
 * per trial. Arguments: trials, and whether pages may leave this machine's direct map (0 or 1).
 *
 * A flush of the kernel's mappings by IPI is priced by its twin for user mappings: mprotect() of a
 * page, beside threads of the same process that spin on other CPUs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#define PAGE 4096UL
#define SHARED_PAGES 2048
#define SECRET_PAGES 64
#define LOOP_PAGES 16
#define WALKED 1024
#define ROUNDS 2000
#define CHUNK 32 /* pages that are timed together */
#define AWAKE 5000 /* a CPU that looked at the clock so lately, in ns, was not doing other work */
#define MOST_CPUS 64
#define GAP_FROM 200 /* ns between two looks at the clock: less is no interrupt, */
#define GAP_TO 200000 /* more is somebody else's turn */

static int cpus, first_cpu[MOST_CPUS];
static volatile int stop, spinning, watch_cpu = -1;
static volatile long beat[MOST_CPUS];
static volatile long lost;
static long gaps[1 << 20], nr_gaps;
static long times[1 << 16], nr_times;

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void say(const char *name, long x, double ns)
{
	printf("%s %ld %.2f\n", name, x, ns);
	fflush(stdout);
}

static int by_size(const void *a, const void *b)
{
	return (*(const long *)a > *(const long *)b) - (*(const long *)a < *(const long *)b);
}

/* Of what was timed: what else runs here is in the slow ones. */
static double middle(void)
{
	qsort(times, nr_times, sizeof *times, by_size);
	return nr_times ? times[nr_times / 2] : -1;
}

static void stay_on(int which)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(first_cpu[which], &set);
	sched_setaffinity(0, sizeof set, &set);
}

static void find_cpus(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof set, &set);
	for (int i = 0; i < CPU_SETSIZE && cpus < MOST_CPUS; i++)
		if (CPU_ISSET(i, &set))
			first_cpu[cpus++] = i;
}

static char *map(size_t pages, int flags, int fd)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		exit(2);
	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

static void touch(volatile char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

/* Nanoseconds for each page. */
static double touch_timed(char *p, size_t pages)
{
	nr_times = 0;
	for (size_t i = 0; i < pages; i += CHUNK) {
		long t = now();

		touch(p + i * PAGE, CHUNK);
		times[nr_times++] = now() - t;
	}
	return middle() / CHUNK;
}

/* --- faults and frees ----------------------------------------------------------------------- */

static void trial_anon(void)
{
	char *p = map(SHARED_PAGES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	long t;

	say("anon-fault", 0, touch_timed(p, SHARED_PAGES));
	t = now();
	munmap(p, SHARED_PAGES * PAGE);
	say("anon-free", 0, (double)(now() - t) / SHARED_PAGES);
}

static void trial_file(const char *name, int fd, size_t pages)
{
	char free_name[32];
	double fault;
	char *p;
	long t;

	if (fd < 0 || ftruncate(fd, pages * PAGE))
		return;
	p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		close(fd);
		return;
	}
	fault = touch_timed(p, pages);
	t = now();
	munmap(p, pages * PAGE);
	close(fd);
	snprintf(free_name, sizeof free_name, "%s-free", name);
	say(free_name, 0, (double)(now() - t) / pages);
	snprintf(free_name, sizeof free_name, "%s-fault", name);
	say(free_name, 0, fault);
}

static void trial_zero(void)
{
	char *p = map(4 * SHARED_PAGES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	long t;

	touch(p, 4 * SHARED_PAGES);
	nr_times = 0;
	for (int i = 0; i < 4 * SHARED_PAGES; i += CHUNK) {
		t = now();
		memset(p + i * PAGE, 0, CHUNK * PAGE);
		__asm__ volatile("" : : "r"(p) : "memory");
		times[nr_times++] = now() - t;
	}
	say("zero", 0, middle() / CHUNK);
	munmap(p, 4 * SHARED_PAGES * PAGE);
}

/* --- flushes --------------------------------------------------------------------------------- */

/* Whether all these threads are on their CPUs: else nobody sends them an IPI. */
static int awake(int others)
{
	for (int i = 1; i <= others; i++)
		if (now() - beat[i] > AWAKE)
			return 0;
	return 1;
}

/* Takes rights from so many pages, which flushes, and gives them back, which does not. */
static double take_rights(char *p, size_t pages, int others)
{
	nr_times = 0;
	for (int i = 0; i < ROUNDS; i++) {
		long t;
		int were_awake = awake(others);

		touch(p, pages);
		t = now();
		mprotect(p, pages * PAGE, PROT_READ);
		t = now() - t;
		if (were_awake && awake(others))
			times[nr_times++] = t;
		mprotect(p, pages * PAGE, PROT_READ | PROT_WRITE);
	}
	return middle();
}

static void *spin(void *which)
{
	long before, t;

	stay_on((long)which);
	__atomic_add_fetch(&spinning, 1, __ATOMIC_SEQ_CST);
	before = now();
	while (!stop) {
		t = beat[(long)which] = now();
		if (watch_cpu == (long)which) {
			if (t - before > GAP_FROM && t - before < GAP_TO && nr_gaps < 1 << 20) {
				lost += t - before;
				gaps[nr_gaps++] = t - before;
			}
		}
		before = t;
	}
	return NULL;
}

static void begin_spinning(pthread_t *threads, int others)
{
	stop = spinning = 0;
	for (long i = 1; i <= others; i++)
		if (pthread_create(&threads[i], NULL, spin, (void *)i))
			exit(2);
	while (spinning < others)
		sched_yield();
}

static void end_spinning(pthread_t *threads, int others)
{
	stop = 1;
	for (int i = 1; i <= others; i++)
		pthread_join(threads[i], NULL);
}

static void trial_flush(int others)
{
	pthread_t threads[MOST_CPUS];
	char *p = map(1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	double flush;

	begin_spinning(threads, others);
	nr_gaps = 0;
	watch_cpu = others ? 1 : -1;
	flush = take_rights(p, 1, others);
	watch_cpu = -1;
	end_spinning(threads, others);
	if (nr_times > ROUNDS / 20)
		say("flush", others, flush);
	if (others && nr_gaps > ROUNDS / 20) {
		qsort(gaps, nr_gaps, sizeof *gaps, by_size);
		say("handler", others, gaps[nr_gaps / 2]);
	}
	munmap(p, PAGE);
}

static void trial_ranges(void)
{
	static const size_t sizes[] = {1, 33, 34, 64};
	char *p = map(64, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		say("range", sizes[i], take_rights(p, sizes[i], 0));
	munmap(p, 64 * PAGE);
}

/* A walk over many pages, one line of each, after a flush of one page or of all. */
static void trial_refill(size_t flushed)
{
	char *p = map(64, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	volatile char *walk = map(WALKED, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	long t;
	int sum = 0;

	nr_times = 0;
	touch((char *)walk, WALKED);
	for (int i = 0; i < ROUNDS / 10; i++) {
		touch(p, 64);
		for (size_t k = 0; k < WALKED; k++)
			sum += walk[k * PAGE + (k % 61) * 64];
		mprotect(p, flushed * PAGE, PROT_READ);
		t = now();
		for (size_t k = 0; k < WALKED; k++)
			sum += walk[k * PAGE + (k % 61) * 64];
		times[nr_times++] = now() - t;
		mprotect(p, flushed * PAGE, PROT_READ | PROT_WRITE);
	}
	__asm__ volatile("" : : "r"(sum));
	say("walk", flushed, middle());
	munmap(p, 64 * PAGE);
	munmap((char *)walk, WALKED * PAGE);
}

/* --- pages out of the direct map ------------------------------------------------------------- */

static int secret(void)
{
	return syscall(SYS_memfd_secret, 0);
}

/* How often an entry was split since boot: direct_map_level2_splits, or level3. */
static long splits(int level)
{
	FILE *f = fopen("/proc/vmstat", "r");
	char name[64], wanted[64];
	long value;

	snprintf(wanted, sizeof wanted, "direct_map_level%d_splits", level);
	while (f && fscanf(f, "%63s %ld", name, &value) == 2)
		if (!strcmp(name, wanted)) {
			fclose(f);
			return value;
		}
	if (f)
		fclose(f);
	return 0;
}

static int take_and_give(void)
{
	int fd = secret();
	char *p;

	if (fd < 0 || ftruncate(fd, LOOP_PAGES * PAGE))
		return -1;
	p = mmap(NULL, LOOP_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	touch(p, LOOP_PAGES);
	munmap(p, LOOP_PAGES * PAGE);
	return close(fd);
}

/* What another CPU loses to a process that only takes and gives back secret pages. Rounds count in
 * which neither was kept from running. */
static void trial_loop(void)
{
	static long took[ROUNDS], stole[ROUNDS];
	pthread_t threads[MOST_CPUS];
	double limit, time = 0, stolen = 0;
	int rounds = 0;

	begin_spinning(threads, 1);
	nr_times = nr_gaps = 0;
	watch_cpu = 1;
	for (int i = 0; i < ROUNDS; i++) {
		long t = now(), before = lost;
		int was_awake = awake(1);

		if (take_and_give())
			exit(2);
		if (!was_awake || !awake(1))
			continue;
		stole[rounds] = lost - before;
		took[rounds] = times[nr_times++] = now() - t;
		rounds++;
	}
	watch_cpu = -1;
	end_spinning(threads, 1);
	if (rounds < ROUNDS / 20)
		return;
	limit = 1.5 * middle();
	for (int i = 0; i < rounds; i++)
		if (took[i] <= limit) {
			time += took[i];
			stolen += stole[i];
		}
	say("loop-share", 0, 1e6 * stolen / time);
	say("loop-fault", 0, limit / 1.5 / LOOP_PAGES);
}

int main(int argc, char **argv)
{
	int trials = argc > 1 ? atoi(argv[1]) : 5;
	int may_split = argc > 2 && atoi(argv[2]);
	long before[] = {splits(2), splits(3)};

	find_cpus();
	stay_on(0);
	for (int i = 0; i < trials; i++) {
		trial_anon();
		trial_file("memfd", memfd_create("pages", MFD_CLOEXEC), SHARED_PAGES);
		trial_file("short", memfd_create("pages", MFD_CLOEXEC), SECRET_PAGES);
		trial_zero();
		for (int others = 0; others < cpus; others = others ? others * 2 : 1)
			trial_flush(others);
		trial_ranges();
		trial_refill(1);
		trial_refill(64);
		if (may_split) {
			int fd = secret();

			if (fd < 0) {
				say("no-secret", errno, 1);
				may_split = 0;
				continue;
			}
			trial_file("secret", fd, SECRET_PAGES);
			if (cpus > 1)
				trial_loop();
		}
	}
	if (may_split) {
		say("splits", 2, splits(2) - before[0]);
		say("splits", 3, splits(3) - before[1]);
	}
	return 0;
}
