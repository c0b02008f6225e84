/* What mmap(2) says to MAP_DROPPABLE with other flags: a line for each, the name and the errno, 0 if
 * it maps. A line is left out where it cannot be asked (32-bit system calls).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#undef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#define MMAP2_OF_I386 192

enum { PROT_RW = PROT_READ | PROT_WRITE, DROPPABLE = MAP_DROPPABLE | MAP_ANONYMOUS };

static size_t page_bytes;
static sigjmp_buf no_int80;

static void say(const char *name, int error)
{
	printf("%s %d\n", name, error);
}

static void ask(const char *name, void *address, size_t length, int prot, int flags, int fd)
{
	void *got = mmap(address, length, prot, flags, fd, 0);

	say(name, got == MAP_FAILED ? errno : 0);
	if (got != MAP_FAILED && got != address)
		munmap(got, length);
}

static void ask_with(const char *name, int flags)
{
	ask(name, NULL, page_bytes, PROT_RW, DROPPABLE | flags, -1);
}

static void killed(int number)
{
	(void)number;
	siglongjmp(no_int80, 1);
}

/* A 64-bit kernel answers a 32-bit program: VM_DROPPABLE is bit 40 all the same. */
static void ask_as_32_bits(void)
{
#ifdef __x86_64__
	long got = MMAP2_OF_I386;

	signal(SIGSEGV, killed);
	if (!sigsetjmp(no_int80, 1)) {
		/* No address below the stack pointer is ours while rbp is on the stack. */
		__asm__ volatile("sub $128, %%rsp\n\tpush %%rbp\n\txor %%ebp, %%ebp\n\tint $0x80\n\t"
				 "pop %%rbp\n\tadd $128, %%rsp"
				 : "+a"(got)
				 : "b"(0L), "c"(page_bytes), "d"((long)PROT_RW),
				   "S"((long)DROPPABLE), "D"(-1L)
				 : "memory", "r8", "r9", "r10", "r11");
		int error = (unsigned int)got > 0xfffff000u ? -(int)got : 0;
		if (error != ENOSYS)
			say("32-bit-program", error);
	}
	signal(SIGSEGV, SIG_DFL);
#endif
}

int main(void)
{
	page_bytes = sysconf(_SC_PAGESIZE);
	int file = memfd_create("file", 0);
	char *here = mmap(NULL, 2 * page_bytes, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (file < 0 || here == MAP_FAILED || ftruncate(file, page_bytes) < 0)
		return 1;
	ask_with("alone", 0);
	ask_with("MAP_STACK", MAP_STACK);
	ask_with("MAP_NORESERVE", MAP_NORESERVE);
	ask_with("MAP_POPULATE", MAP_POPULATE);
	ask_with("MAP_NONBLOCK", MAP_NONBLOCK);
	ask_with("MAP_SYNC", MAP_SYNC);
#ifdef MAP_32BIT
	ask_with("MAP_32BIT", MAP_32BIT);
#endif
	ask_with("unknown-bit", 1 << 30);
	ask_with("MAP_LOCKED", MAP_LOCKED);
	ask_with("MAP_HUGETLB", MAP_HUGETLB);
	ask_with("MAP_GROWSDOWN", MAP_GROWSDOWN);
	ask_with("MAP_PRIVATE", MAP_PRIVATE);
	ask_with("MAP_SHARED", MAP_SHARED);
	ask_with("MAP_SHARED_VALIDATE", MAP_SHARED_VALIDATE);
	ask("PROT_NONE", NULL, page_bytes, PROT_NONE, DROPPABLE, -1);
	ask("PROT_EXEC", NULL, page_bytes, PROT_RW | PROT_EXEC, DROPPABLE, -1);
	ask("file", NULL, page_bytes, PROT_RW, MAP_DROPPABLE, file);
	ask("file-anonymous", NULL, page_bytes, PROT_RW, DROPPABLE, file);
	ask("no-bytes", NULL, 0, PROT_RW, DROPPABLE, -1);
	ask("MAP_FIXED_NOREPLACE", here, page_bytes, PROT_RW, DROPPABLE | MAP_FIXED_NOREPLACE, -1);
	ask("MAP_FIXED", here, page_bytes, PROT_RW, DROPPABLE | MAP_FIXED, -1);
	ask("odd-address", here + 1, page_bytes, PROT_RW, DROPPABLE | MAP_FIXED, -1);
	ask_as_32_bits();
	return 0;
}
