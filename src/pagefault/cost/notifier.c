/*
 * What notifiers and pins cost here: prints lines "NAME X NANOSECONDS", one per trial.
 *
 * The one notifier that user space can have on its address space without a driver of its own is
 * KVM's: KVM_CREATE_VM registers it, and nothing else of KVM is used. Each trial runs in a child, so
 * that its address space is fresh. Arguments: the trials to make of each, and the most VMAs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_HUGEPAGE
#define MADV_HUGEPAGE 14
#endif
#define PAGE 4096UL
#define HUGE (2UL << 20)

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void say(const char *name, long x, double ns)
{
	printf("%s %ld %.1f\n", name, x, ns);
	fflush(stdout);
}

static char *map(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		_exit(2);
	return p;
}

static void touch(char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		p[i] = 1;
}

/* Run a trial in a child; 0 if it could be done. */
static int apart(void (*trial)(long, long), long x, long y)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		trial(x, y);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* --- registration ------------------------------------------------------------------------------ */

static int register_notifier(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0UL);
}

static void timed_register(const char *name, long x)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	long t = now();

	if (kvm < 0 || ioctl(kvm, KVM_CREATE_VM, 0UL) < 0)
		_exit(3);
	say(name, x, now() - t);
}

/* Single pages with holes between them, so that none merges with its neighbour. */
static void spread(long vmas, int populate)
{
	char *p = map(2 * vmas * PAGE);

	for (long i = 0; i < vmas; i++) {
		if (munmap(p + (2 * i + 1) * PAGE, PAGE))
			_exit(2);
		if (populate)
			p[2 * i * PAGE] = 1;
	}
}

static void trial_empty_vmas(long vmas, long unused)
{
	(void)unused;
	spread(vmas, 0);
	timed_register("register-empty", vmas);
}

static void trial_anon_vmas(long vmas, long unused)
{
	(void)unused;
	spread(vmas, 1);
	timed_register("register-anon", vmas);
}

static void trial_file_vmas(long vmas, long unused)
{
	int fd = memfd_create("vmas", MFD_CLOEXEC);

	(void)unused;
	if (fd < 0 || ftruncate(fd, PAGE))
		_exit(2);
	for (long i = 0; i < vmas; i++)
		if (mmap(NULL, PAGE, PROT_READ, i & 1 ? MAP_SHARED : MAP_PRIVATE, fd, 0) == MAP_FAILED)
			_exit(2);
	timed_register("register-file", vmas);
}

/* A descendant of this generation has so many links in each VMA's chain, beside its own. */
static void descend(long generations, long chain)
{
	int status;
	pid_t child;

	if (generations == 0) {
		timed_register("register-chain", chain);
		return;
	}
	child = fork();
	if (child == 0) {
		descend(generations - 1, chain);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		_exit(4);
}

static void trial_chain(long chain, long vmas)
{
	spread(vmas, 1);
	descend(chain, chain);
}

/* --- the tax on what comes later ----------------------------------------------------------------- */

#define BLOCKS 40

static void op_mprotect(char *p)
{
	mprotect(p, PAGE, PROT_READ);
	mprotect(p, PAGE, PROT_READ | PROT_WRITE);
}

static void op_dontneed(char *p)
{
	p[0] = 1;
	madvise(p, PAGE, MADV_DONTNEED);
}

static void op_mmap_munmap(char *p)
{
	char *q = map(PAGE);

	(void)p;
	q[0] = 1;
	munmap(q, PAGE);
}

/* Read first: the store then replaces the zero page, which is a copy with a notification. */
static void op_copy(char *p)
{
	madvise(p, PAGE, MADV_DONTNEED);
	(void)*(volatile char *)p;
	p[0] = 1;
}

static void op_mremap(char *p)
{
	static char *place;

	if (!place)
		place = map(2 * PAGE);
	p[0] = 1;
	if (mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED)
		_exit(2);
	if (mremap(place, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == MAP_FAILED)
		_exit(2);
}

static void op_fork(char *p)
{
	pid_t child = fork();

	(void)p;
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
}

static const struct {
	const char *name;
	void (*run)(char *);
	int rounds; /* of one block */
} OPS[] = {
	{"mprotect-pair", op_mprotect, 50}, {"touch-dontneed", op_dontneed, 50},
	{"mmap-munmap", op_mmap_munmap, 50}, {"zero-page-copy", op_copy, 50},
	{"mremap-pair", op_mremap, 50},	    {"fork-exit", op_fork, 3},
};

/* The quickest of many short blocks: what else runs here disturbs the others. */
static void trial_tax(long op, long registered)
{
	char *p = map(PAGE);
	char name[64];
	long best = 0;

	touch(p, PAGE);
	if (registered && register_notifier() < 0)
		_exit(3);
	for (int block = 0; block < BLOCKS; block++) {
		long t = now();

		for (int i = 0; i < OPS[op].rounds; i++)
			OPS[op].run(p);
		t = now() - t;
		if (block == 1 || (block > 1 && t < best))
			best = t;
	}
	snprintf(name, sizeof name, "op-%s", OPS[op].name);
	say(name, registered, (double)best / OPS[op].rounds);
}

/* --- pins ---------------------------------------------------------------------------------------- */

static int ring(void)
{
	struct io_uring_params params;

	memset(&params, 0, sizeof params);
	return syscall(SYS_io_uring_setup, 1, &params);
}

static int pin(int fd, struct iovec *parts, int count)
{
	return syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, parts, count);
}

static void trial_pin(long pages, long unused)
{
	struct iovec part = {map(pages * PAGE), pages * PAGE};
	int fd = ring();
	long t, u;

	(void)unused;
	madvise(part.iov_base, part.iov_len, MADV_NOHUGEPAGE);
	touch(part.iov_base, part.iov_len);
	if (fd < 0)
		_exit(3);
	t = now();
	if (pin(fd, &part, 1))
		_exit(3);
	u = now();
	if (syscall(SYS_io_uring_register, fd, IORING_UNREGISTER_BUFFERS, NULL, 0))
		_exit(3);
	say("pin", pages, u - t);
	say("unpin", pages, now() - u);
}

static void timed_fork(const char *name, long x)
{
	long t = now();
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	if (child < 0)
		_exit(2);
	say(name, x, now() - t);
	waitpid(child, NULL, 0);
}

static void trial_fork_small(long pages, long pinned)
{
	struct iovec part = {map(pages * PAGE), pages * PAGE};
	int fd = ring();

	madvise(part.iov_base, part.iov_len, MADV_NOHUGEPAGE);
	touch(part.iov_base, part.iov_len);
	if (pinned && (fd < 0 || pin(fd, &part, 1)))
		_exit(3);
	timed_fork(pinned ? "fork-small-pinned" : "fork-small", pages);
}

/* One subpage of each huge page is pinned. */
static void trial_fork_huge(long count, long pinned)
{
	struct iovec parts[64];
	char *p = map((count + 1) * HUGE);
	int fd = ring();

	p = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	if (count > 64 || madvise(p, count * HUGE, MADV_HUGEPAGE))
		_exit(3);
	for (long i = 0; i < count; i++) {
		p[i * HUGE] = 1;
		parts[i].iov_base = p + i * HUGE;
		parts[i].iov_len = PAGE;
	}
	if (pinned && (fd < 0 || pin(fd, parts, count)))
		_exit(3);
	timed_fork(pinned ? "fork-huge-pinned" : "fork-huge", count);
}

/* The child lives and the parent stores into each page: a copy each. */
static void trial_copy(long pages, long shared)
{
	int pipes[2];
	char *p = map(pages * PAGE), c;
	pid_t child;
	long t;

	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	touch(p, pages * PAGE);
	if (pipe(pipes))
		_exit(2);
	child = fork();
	if (child == 0) {
		close(pipes[1]);
		if (shared && read(pipes[0], &c, 1) < 0)
			_exit(2);
		_exit(0);
	}
	if (!shared)
		waitpid(child, NULL, 0);
	t = now();
	touch(p, pages * PAGE);
	say(shared ? "store-copies" : "store-reuses", pages, (double)(now() - t) / pages);
	close(pipes[1]);
	if (shared)
		waitpid(child, NULL, 0);
}

/* --- primitives ---------------------------------------------------------------------------------- */

static void trial_primitives(long unused, long unused2)
{
	static long word;
	static char from[PAGE], to[PAGE];
	const int n = 1000000;
	long t = now();

	(void)unused;
	(void)unused2;
	for (int i = 0; i < n; i++)
		__atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
	say("atomic", 0, (double)(now() - t) / n);
	t = now();
	for (int i = 0; i < n / 100; i++) {
		memcpy(to, from, PAGE);
		__asm__ volatile("" : : "r"(to), "r"(from) : "memory");
	}
	say("copy-4k", 0, (double)(now() - t) / (n / 100));
}

int main(int argc, char **argv)
{
	static const long chains[] = {0, 1, 2, 4, 8};
	static const long pages[] = {1, 64, 512};
	int trials = argc > 1 ? atoi(argv[1]) : 5;
	long most = argc > 2 ? atol(argv[2]) : 20000;

	for (int i = 0; i < trials; i++) {
		apart(trial_primitives, 0, 0);
		for (long vmas = 10; vmas <= most; vmas = vmas < most && vmas * 4 > most ? most : vmas * 4) {
			if (apart(trial_empty_vmas, vmas, 0))
				break;
			apart(trial_anon_vmas, vmas, 0);
			apart(trial_file_vmas, vmas, 0);
			if (vmas == most)
				break;
		}
		for (unsigned c = 0; c < sizeof chains / sizeof *chains; c++)
			apart(trial_chain, chains[c], most / 10);
		for (unsigned op = 0; op < sizeof OPS / sizeof *OPS; op++)
			for (int registered = 0; registered < 2; registered++)
				apart(trial_tax, op, registered);
		for (unsigned p = 0; p < sizeof pages / sizeof *pages; p++)
			apart(trial_pin, pages[p], 0);
		for (int pinned = 0; pinned < 2; pinned++) {
			apart(trial_fork_small, 4096, pinned);
			apart(trial_fork_huge, 64, pinned);
			apart(trial_copy, 4096, pinned);
		}
	}
	return 0;
}
