/* A pin by /sys/kernel/debug/gup_test (mm/gup_test.h, CONFIG_GUP_TEST, the ioctls since 6.2), which is
 * long-term, may leave GUP-fast out, and takes the zero page as other pins do. The kernel holds one
 * at a time, until the file is closed; so the driver opens it. */

struct pin_longterm {	/* struct pin_longterm_test */
	uint64_t addr, size;
	uint32_t flags;
};
#define GUP_TEST_START _IOW('g', 7, struct pin_longterm)
#define GUP_TEST_STOP _IO('g', 8)
#define GUP_TEST_READ _IOW('g', 9, uint64_t)
enum { GUP_TEST_WRITE = 1, GUP_TEST_FAST = 2 };

static int gup_test = -1;

/* 0 or an errno. */
static int gup_test_start(char *at, int flags)
{
	struct pin_longterm what = { (uint64_t)at, page_bytes, flags };

	return ioctl(gup_test, GUP_TEST_START, &what) < 0 ? errno : 0;
}

static int probe_gup_test(void)
{
	char *page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	gup_test = open("/sys/kernel/debug/gup_test", O_RDWR | O_CLOEXEC);
	if (page == MAP_FAILED || gup_test < 0)
		return errno;
	int error = gup_test_start(page, GUP_TEST_WRITE);
	ioctl(gup_test, GUP_TEST_STOP);
	munmap(page, page_bytes);
	if (error) {
		close(gup_test);
		gup_test = -1;
	}
	return error;
}

HELPER long guptest_pin(int n, int page, int flags)
{
	int error = gup_test_start(address(page), flags);

	if (error == EINVAL)
		unable("gup_test holds one pin at a time");
	return pin_taken(&shared->pin[n], page, flags & GUP_TEST_WRITE, error);
}

HELPER long guptest_read(int n, int cell)
{
	static signed char copies[MAX_TASKS][65536];
	struct pin *pin = &shared->pin[n];
	uint64_t to = (uint64_t)copies[me];
	long error = use_pin(pin, 0);

	if (error)
		return error;
	if (ioctl(gup_test, GUP_TEST_READ, &to) < 0)
		error = -errno;
	unlock_pin(pin);
	return error ? error : copies[me][cell * CELL_DISTANCE];
}

/* Only through a pin for reading, which nobody may write through. */
HELPER long guptest_write(int n, int cell, long value)
{
	(void)cell;
	(void)value;
	return refuse_write(n);
}

static void guptest_drop(int n)
{
	if (shared->pin[n].state == PIN_HELD)
		ioctl(gup_test, GUP_TEST_STOP);
}

HELPER long guptest_unpin(int n)
{
	return drop_pin(n, guptest_drop);
}
