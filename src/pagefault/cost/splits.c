/*
 * Takes secret pages on this kernel and prints what it says of its memory: before, while the pages
 * are taken, and after they were given back. Sections begin with "== NAME". Arguments: the pages;
 * how many 2 MiB ranges to touch beforehand, half of which are given back; and whether to empty this
 * CPU's lists of free pages, by taking the CPU down and up again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#define PAGE 4096UL
#define RANGE (2UL << 20)

static void show(const char *name, const char *const *files)
{
	static char text[1 << 16];

	printf("== %s\n", name);
	for (; *files; files++) {
		int fd = open(*files, O_RDONLY);
		ssize_t n;

		while (fd >= 0 && (n = read(fd, text, sizeof text)) > 0)
			fwrite(text, 1, n, stdout);
		close(fd);
	}
	fflush(stdout);
}

static const char *const COUNTS[] = {"/proc/meminfo", "/proc/vmstat", "/proc/interrupts", NULL};
static const char *const LISTS[] = {"/proc/pagetypeinfo", NULL};
static const char *const ZONES[] = {"/proc/zoneinfo", NULL};

/* A page table and a page for each range; then some go, in no order. */
static void wear(long ranges)
{
	char *p = mmap(NULL, ranges * RANGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	madvise(p, ranges * RANGE, MADV_NOHUGEPAGE);
	srand(1);
	for (long i = 0; i < ranges; i++)
		p[i * RANGE] = 1;
	for (long i = 0; i < ranges; i++)
		if (rand() & 256)
			munmap(p + i * RANGE, RANGE);
}

/* mm/page_alloc.c page_alloc_cpu_dead(): what the CPU kept goes back to the buddy allocator. */
static void empty_lists(void)
{
	for (const char *state = "0"; state; state = *state == '0' ? "1" : NULL) {
		int fd = open("/sys/devices/system/cpu/cpu1/online", O_WRONLY);

		if (fd < 0 || write(fd, state, 1) != 1) {
			fprintf(stderr, "CPU 1 cannot be taken down and up: %s\n", strerror(errno));
			exit(3);
		}
		close(fd);
	}
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set)) {
		fprintf(stderr, "CPU %d: %s\n", cpu, strerror(errno));
		exit(3);
	}
}

static void show_frames(const char *p, long pages)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);

	printf("== frames\n");
	for (long i = 0; i < pages; i++) {
		uint64_t entry = 0;

		if (pread(fd, &entry, 8, ((uintptr_t)p / PAGE + i) * 8) != 8)
			exit(2);
		printf("%lld\n", (long long)(entry & ((1ULL << 55) - 1)));
	}
	close(fd);
}

int main(int argc, char **argv)
{
	long pages = argc > 1 ? atol(argv[1]) : 2048;
	long ranges = argc > 2 ? atol(argv[2]) : 0;
	struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
	char *p;
	int fd;

	stay_on(1);
	setrlimit(RLIMIT_MEMLOCK, &no_limit);
	if (ranges)
		wear(ranges);
	if (argc > 3 && atoi(argv[3])) {
		stay_on(0);
		empty_lists();
		stay_on(1);
	}
	fd = syscall(SYS_memfd_secret, 0);
	if (fd < 0 || ftruncate(fd, pages * PAGE)) {
		fprintf(stderr, "memfd_secret: %s\n", strerror(errno));
		return 3;
	}
	p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		fprintf(stderr, "mmap of a secret: %s\n", strerror(errno));
		return 3;
	}
	show("zones", ZONES);
	show("lists", LISTS);
	show("before", COUNTS);
	for (long i = 0; i < pages; i++)
		((volatile char *)p)[i * PAGE] = 1;
	show("taken", COUNTS);
	show_frames(p, pages);
	munmap(p, pages * PAGE);
	close(fd);
	show("given", COUNTS);
	return 0;
}
