/* KSM, the one of the whole machine: it merges the pages of whoever asked for it. Who runs tests
 * that need it waits for others who do, so that their pages are not merged with ours. */

#include <sys/file.h>

#define KSM "/sys/kernel/mm/ksm/"

#ifndef MADV_MERGEABLE
#define MADV_MERGEABLE 12
#endif
#ifndef MADV_UNMERGEABLE
#define MADV_UNMERGEABLE 13
#endif

static long read_ksm(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int got = read(fd, text, sizeof(text) - 1);
	close(fd);
	return got > 0 ? atol(text) : -EIO;
}

static int write_ksm(const char *path, long number)
{
	char text[24];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	int length = snprintf(text, sizeof(text), "%ld", number);
	int error = write(fd, text, length) < 0 ? errno : 0;
	close(fd);
	return error;
}

/* What it was set to before. There is a smart scan since Linux 6.7. */
static long sleep_ms, smart_scan;

static void stop_ksmd(void)
{
	write_ksm(KSM "run", 0);
	write_ksm(KSM "sleep_millisecs", sleep_ms);
	if (smart_scan > 0)
		write_ksm(KSM "smart_scan", smart_scan);
}

/* Waits until nobody holds the other end of a pipe any more, and keeps the lock so long. */
static void guard_ksmd(int lock, int pipe)
{
	char byte;

	setsid();	/* no Ctrl-C is for us */
	dup2(pipe, 0);
	dup2(lock, 1);
	for (int fd = 2; fd < 1024; fd++)
		close(fd);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	stop_ksmd();
	_exit(0);
}

/* Who kills a task while ksmd scans would leave it scanning for ever: somebody stays behind who stops
 * it. He is no child of the driver, which waits for all of its children after each test. */
static int leave_a_guard(int lock)
{
	int alive[2];

	if (pipe2(alive, O_CLOEXEC) < 0)
		return errno;
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(alive[1]);
		if (fork() == 0)
			guard_ksmd(lock, alive[0]);
		_exit(0);
	}
	int error = pid < 0 ? errno : 0;
	waitpid(pid, NULL, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	close(alive[0]);
	return error;
}

/* A page of the driver that is mergeable, and never touched: ksmd scans only if there is one. */
HELPER int probe_ksm(void)
{
	int lock = open(KSM "run", O_RDWR | O_CLOEXEC);

	if (lock < 0)
		return errno;
	if (flock(lock, LOCK_EX) < 0)
		return errno;
	long running = read_ksm(KSM "run");
	if (running)
		return running < 0 ? -running : EBUSY;
	sleep_ms = read_ksm(KSM "sleep_millisecs");
	smart_scan = read_ksm(KSM "smart_scan");
	int error = leave_a_guard(lock);
	if (error)
		return error;
	char *page = mmap(NULL, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || madvise(page, page_bytes, MADV_DONTFORK) < 0 ||
	    madvise(page, page_bytes, MADV_MERGEABLE) < 0)
		return errno;
	return 0;
}
