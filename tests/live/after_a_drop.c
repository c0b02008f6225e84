/* What is seen of droppable memory between the clearing of its PTE and the flush of the TLBs.
 *
 * CPU 0 drops 512 pages by MADV_PAGEOUT, which flushes once, at the end. CPU 1 has the first of
 * them in its TLB.
 *
 *   after_a_drop threads N   a thread on CPU 0, woken meanwhile, sees zero and says so by a flag;
 *                            the thread on CPU 1 has seen the flag: does it still see the old value?
 *   after_a_drop stores N    the same, but the thread on CPU 0 stores a new value
 *   after_a_drop alone N     the thread on CPU 1 writes by process_vm_writev(2), and loads
 *   after_a_drop looks N     the thread on CPU 1 sees zero by process_vm_readv(2), and loads
 *
 * Prints the tries, and those in which the old value was seen. Exit code 77: it cannot be done here.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { PAGES = 512, OLD = 1, NEW = 2, CANNOT = 77 };

static volatile char *memory;
static size_t page_bytes;
static atomic_int attempt, told, seen;	/* 0: nobody touches the page */
static atomic_int ready, busy;
static int stores, looks;

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		exit(CANNOT);
}

/* Between two attempts all threads stand here. */
static void await_attempt(void)
{
	while (!attempt)
		;
	busy++;
}

static void attempt_is_over(void)
{
	while (attempt)
		;
	busy--;
}

/* CPU 1, with another thread that tells: the flag first, then the page. */
static void *listen(void *unused)
{
	run_on(1);
	for (;;) {
		await_attempt();
		(void)memory[0];
		ready = 1;
		while (attempt) {
			int flag = told;
			char value = memory[0];
			if (flag && value == OLD)
				seen = 1;
		}
		attempt_is_over();
	}
	return unused;
}

/* CPU 0: comes in between at some time. */
static void *tell(void *unused)
{
	struct sched_param first = { .sched_priority = 10 };
	unsigned dice = 1;

	run_on(0);
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &first);
	for (;;) {
		while (!attempt)
			usleep(50);
		busy++;
		struct timespec time = { 0, 1000L * (rand_r(&dice) % 1500) };
		nanosleep(&time, NULL);
		if (stores)
			memory[0] = NEW;
		if (stores || memory[0] == 0)
			told = 1;
		while (attempt)
			usleep(50);
		busy--;
	}
	return unused;
}

/* 1 if a load does not see what the call before it wrote, or has seen. */
static int old_after_call(void)
{
	char byte = NEW;
	struct iovec here = { &byte, 1 }, there = { (void *)memory, 1 };

	if (looks)
		return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1 && byte == 0 &&
		       memory[0] == OLD;
	return process_vm_writev(getpid(), &here, 1, &there, 1, 0) == 1 && memory[0] == OLD;
}

/* CPU 1, alone with its own calls. */
static void *call(void *unused)
{
	run_on(1);
	for (;;) {
		await_attempt();
		memory[0] = OLD;
		ready = 1;
		while (attempt && !seen) {
			if (old_after_call())
				seen = 1;
			else if (!looks && memory[0] != 0)
				memory[0] = OLD;
		}
		attempt_is_over();
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	long tries = argc > 2 ? atol(argv[2]) : 2000, old = 0;
	int alone = argc > 1 && (!strcmp(argv[1], "alone") || !strcmp(argv[1], "looks"));

	stores = argc > 1 && !strcmp(argv[1], "stores");
	looks = argc > 1 && !strcmp(argv[1], "looks");
	page_bytes = sysconf(_SC_PAGESIZE);
	memory = mmap(NULL, PAGES * page_bytes, PROT_READ | PROT_WRITE,
		      MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return CANNOT;
	madvise((void *)memory, PAGES * page_bytes, MADV_NOHUGEPAGE);
	pthread_create(&thread, NULL, alone ? call : listen, NULL);
	if (!alone)
		pthread_create(&thread, NULL, tell, NULL);
	run_on(0);
	for (long i = 0; i < tries; i++) {
		for (int page = 0; page < PAGES; page++)
			memory[page * page_bytes] = OLD;
		told = seen = ready = 0;
		attempt = 1;
		while (!ready)
			;
		usleep(alone ? 20 : 100);
		madvise((void *)memory, PAGES * page_bytes, MADV_PAGEOUT);
		usleep(alone ? 200 : 1500);
		attempt = 0;
		while (busy)
			usleep(50);
		old += seen;
	}
	printf("%s: %ld tries, the old value was seen in %ld\n", argc > 1 ? argv[1] : "threads", tries, old);
	fflush(stdout);
	_exit(0);
}
