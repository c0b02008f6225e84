#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Not in every C library's headers; the numbers are the kernel's. */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef MADV_KEEPONFORK
#define MADV_KEEPONFORK 19
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#define PR_SET_PTRACER_ANY ((unsigned long)-1)
#endif

/* For what not every test calls. */
#define HELPER static __attribute__((unused))

enum {
	MAX_TASKS = 6,
	DRIVER = MAX_TASKS,	/* its seat */
	REGISTERS = 8,
	CELLS = 4,
	CELL_DISTANCE = 1024,	/* bytes; a cell is one byte, signed */
	MAX_PAGES = 8,
	MAX_PINS = 4,
	MAX_PIPES = 2,
	MAX_FILES = 2,
	PIPE_PAGES = 2,
	MAX_MOVES = 128,
	SIGNAL_BASE = 1000,	/* a load that signal N ended returns -(SIGNAL_BASE + N) */
	UNSEEN = INT_MIN,	/* a cell that nobody can read */
};

enum file_kind { ON_DISK, IN_MEMORY, SECRET, IO_URING, PACKET, BPF, RINGBUF, ARENA, PERF, FILE_KINDS };
enum kind { PROCESS, THREAD, DEVICE };
enum task_state { NEW, RUNNING, OVER, EXITED };
enum pin_state { PIN_FREE, PIN_HELD, PIN_FAILED, PIN_DROPPED };
enum status { MOVING, DONE, BLOCKED, HUNG, UNABLE };

struct task {
	const char *name;
	enum kind kind;
	int parent;		/* the task that forks or clones it, or -1 */
	int space;		/* the process whose address space it runs in, or -1 */
	int cpu;		/* the CPU that the test binds it to, or -1 */
	unsigned registers;	/* bit mask of those that it sets */
	void (*run)(void);
};

/* Something that the condition is about: 'r' a register, 's' the signal, 'c' a cell. */
struct place {
	const char *name;
	char what;
	int task, number, cell;
};

struct test {
	const char *name;
	const char *condition;
	const char *quantifier;
	int (*holds)(void);	/* the condition's expression, of the state at the end */
	int places;
	const struct place *place;
	uint64_t needs;		/* bit mask of features */
	const char *no_stress;	/* why it cannot run free, or NULL */
	/* Tasks that share memory run on a CPU each, for the sake of its TLB. Others may share one:
	 * handing over the turn is quicker so. */
	int spread;
	int one_table;		/* of file descriptors: what one task closes is closed for all */
	int tasks;
	struct task task[MAX_TASKS];
	int pages;
	const char *page[MAX_PAGES];
	int base_pages;		/* that a page of the test is; more than one where they are huge */
	int pins;
	void (*drop[MAX_PINS])(int pin);
	int files;
	struct { int kind, pages; } file[MAX_FILES];
	int schedules;
	const char *const *schedule;
};

/* What tasks and driver share. */
struct seat {
	int turn;		/* futex: 1 when its turn has come */
	int asleep;
	int state;
	int pid, tid;
	int up;			/* it has begun */
	int signal;		/* the last one */
	int waiting;		/* stress: in a statement that cannot be done now */
	long reg[REGISTERS];
} __attribute__((aligned(128)));

struct pin {
	int state;
	int page;
	int writable;
	int lock;
};

static struct shared {
	struct seat seat[MAX_TASKS + 1];
	struct pin pin[MAX_PINS];
	int closed[MAX_FILES];	/* close() was called */
	unsigned char move[MAX_MOVES];
	int moves, position;
	int status;
	int leaving;		/* the task that is in exit(), or -1 */
	char why[160];		/* UNABLE: for want of what */
	int driver;		/* its pid */
	int free_running;	/* stress: nobody waits for turns */
	int busy;		/* stress: tasks that are not done */
	int progress;		/* stress: statements begun */
	unsigned seed;
	int spins;		/* looks at the turn before the task sleeps */
} *shared;

static const struct test *test;
static long page_bytes;
static __thread int me = DRIVER;
static __thread int moving;
static __thread unsigned dice;

#define PAGE_0 0x4000000000UL	/* far from all else, and below 2^39 */

HELPER size_t bytes_of(int pages)
{
	return (size_t)pages * test->base_pages * page_bytes;
}

static char *address(int page)
{
	return (char *)PAGE_0 + bytes_of(page);
}

HELPER volatile signed char *cell_of(int page, int cell)
{
	return (volatile signed char *)address(page) + cell * CELL_DISTANCE;
}

#define REG(n) (shared->seat[me].reg[n])

static int value_now(int *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void set_now(int *word, int value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}
