/*
 * What this kernel can do. Each feature is tried, never guessed from a version: a probe gives ""
 * where it works, and otherwise says why not. Those that the manifest sets up (swap, block) are
 * told by lacks().
 */
#include <fcntl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096ul
#define NR_userfaultfd 323
#define NR_io_uring_setup 425
#define NR_memfd_secret 447
#define UFFDIO_API_ 0xc018aa3ful	/* _IOWR(0xaa, 0x3f, struct of three u64) */
#define UFFD_WP 1ull
#define UFFD_MINOR_SHMEM (1ull << 10)
#define UFFD_MOVE (1ull << 16)
#define MAP_DROPPABLE_ 0x08
#define MADV_PAGEOUT_ 21
#define MADV_POPULATE_READ_ 22
#define MADV_GUARD_INSTALL_ 102

static char reason_[256];

static const char *because(const char *what, int ok)
{
	if (ok)
		return "";
	snprintf(reason_, sizeof(reason_), "%s: %s", what, strerror(errno));
	return reason_;
}

static const char *file_exists(const char *path)
{
	return because(path, access(path, F_OK) == 0);
}

static const char *file_reads(const char *path)
{
	uint64_t word;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why = because(path, fd >= 0 && read(fd, &word, 8) == 8);

	close(fd);
	return why;
}

static char *fresh_page(int more_flags)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more_flags,
		    -1, 0);
}

static const char *probe_userfaultfd_bit(uint64_t bit, const char *name)
{
	uint64_t api[3] = { 0xaa, 0, 0 };
	int fd = syscall(NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	const char *why = because("userfaultfd", fd >= 0 && ioctl(fd, UFFDIO_API_, api) == 0);

	close(fd);
	if (*why || (api[1] & bit) == bit)
		return why;
	snprintf(reason_, sizeof(reason_), "userfaultfd does not offer UFFD_FEATURE_%s", name);
	return reason_;
}

static const char *probe_userfaultfd(void)
{
	return probe_userfaultfd_bit(0, "");
}

static const char *probe_userfaultfd_wp(void)
{
	return probe_userfaultfd_bit(UFFD_WP, "PAGEFAULT_FLAG_WP");
}

static const char *probe_userfaultfd_minor(void)
{
	return probe_userfaultfd_bit(UFFD_MINOR_SHMEM, "MINOR_SHMEM");
}

static const char *probe_userfaultfd_move(void)
{
	return probe_userfaultfd_bit(UFFD_MOVE, "MOVE");
}

static const char *probe_io_uring(void)
{
	char params[120] = { 0 };
	int fd = syscall(NR_io_uring_setup, 4, params);
	const char *why = because("io_uring_setup", fd >= 0);

	close(fd);
	return why;
}

static const char *probe_memfd_secret(void)
{
	int fd = syscall(NR_memfd_secret, 0);
	const char *why = because("memfd_secret", fd >= 0);

	close(fd);
	return why;
}

static const char *probe_droppable(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_DROPPABLE_ | MAP_ANONYMOUS,
			  -1, 0);
	const char *why = because("mmap MAP_DROPPABLE", page != MAP_FAILED);

	if (page != MAP_FAILED)
		munmap(page, PAGE);
	return why;
}

static const char *probe_madvise(int advice, const char *name)
{
	char *page = fresh_page(0);
	const char *why;

	if (page == MAP_FAILED)
		return "mmap failed";
	page[0] = 1;
	why = because(name, madvise(page, PAGE, advice) == 0);
	munmap(page, PAGE);
	return why;
}

static const char *probe_pageout(void)
{
	return probe_madvise(MADV_PAGEOUT_, "MADV_PAGEOUT");
}

static const char *probe_populate(void)
{
	return probe_madvise(MADV_POPULATE_READ_, "MADV_POPULATE_READ");
}

static const char *probe_guard(void)
{
	return probe_madvise(MADV_GUARD_INSTALL_, "MADV_GUARD_INSTALL");
}

static uint64_t pagemap_of(const void *address)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, &entry, 8, (uintptr_t)address / PAGE * 8) != 8)
		entry = 0;
	close(fd);
	return entry;
}

static const char *probe_pagemap(void)
{
	char *page = fresh_page(MAP_POPULATE);
	uint64_t entry;

	page[0] = 1;
	entry = pagemap_of(page);
	munmap(page, PAGE);
	if (!(entry >> 63))
		return "/proc/self/pagemap does not show a page that is there";
	return entry & ((1ull << 55) - 1) ? "" : "/proc/self/pagemap hides the frame";
}

static const char *probe_soft_dirty(void)
{
	char *page = fresh_page(0);
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	uint64_t before, after;

	page[0] = 1;
	if (fd < 0 || write(fd, "4", 1) != 1)
		return because("/proc/self/clear_refs", 0);
	close(fd);
	before = pagemap_of(page) >> 55 & 1;
	page[0] = 2;
	after = pagemap_of(page) >> 55 & 1;
	munmap(page, PAGE);
	if (before)
		return "clear_refs leaves a page soft-dirty";
	return after ? "" : "a store does not make a page soft-dirty: CONFIG_MEM_SOFT_DIRTY";
}

static const char *probe_process_vm(void)
{
	char from = 1, to = 0;
	struct iovec local = { &to, 1 }, remote = { &from, 1 };

	return because("process_vm_readv",
		       process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1);
}

static const char *probe_vmsplice(void)
{
	char byte = 1;
	struct iovec iov = { &byte, 1 };
	int ends[2];
	const char *why;

	if (pipe(ends) < 0)
		return because("pipe", 0);
	why = because("vmsplice", vmsplice(ends[1], &iov, 1, 0) == 1);
	close(ends[0]);
	close(ends[1]);
	return why;
}

static const char *probe_hugetlb(void)
{
	static const char *number = "/proc/sys/vm/nr_hugepages";
	int fd = open(number, O_WRONLY | O_CLOEXEC);
	const char *why = because(number, fd >= 0 && write(fd, "1", 1) == 1);
	void *page;

	if (!*why) {
		page = mmap(NULL, 512 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
		why = because("mmap MAP_HUGETLB", page != MAP_FAILED);
		if (page != MAP_FAILED)
			munmap(page, 512 * PAGE);
		if (write(fd, "0", 1) != 1)
			why = "nr_hugepages can't be set back";
	}
	close(fd);
	return why;
}

static const char *probe_numa(void)
{
	if (access("/sys/devices/system/node", F_OK))
		return "/sys/devices/system/node is missing: CONFIG_NUMA";
	return access("/sys/devices/system/node/node1", F_OK) ? "the kernel sees one node" : "";
}

static const char *probe_cgroup_reclaim(void)
{
	const char *why;

	mkdir("/sys/fs/cgroup/probe", 0755);
	why = file_exists("/sys/fs/cgroup/probe/memory.reclaim");
	rmdir("/sys/fs/cgroup/probe");
	return why;
}

static const char *probe_cgroup_swap(void)
{
	const char *why;

	mkdir("/sys/fs/cgroup/probe", 0755);
	why = file_exists("/sys/fs/cgroup/probe/memory.swap.max");
	rmdir("/sys/fs/cgroup/probe");
	return why;
}

static const char *probe_gup_test(void)
{
	return file_exists("/sys/kernel/debug/gup_test");
}

static const char *probe_debugfs(void)
{
	return file_exists("/sys/kernel/debug/bdi");
}

static const char *probe_thp(void)
{
	return file_exists("/sys/kernel/mm/transparent_hugepage/enabled");
}

static const char *probe_ksm(void)
{
	return file_exists("/sys/kernel/mm/ksm/run");
}

static const char *probe_page_idle(void)
{
	return file_exists("/sys/kernel/mm/page_idle/bitmap");
}

static const char *probe_kpagecount(void)
{
	return file_reads("/proc/kpagecount");
}

static const char *probe_kpageflags(void)
{
	return file_reads("/proc/kpageflags");
}

static struct feature {
	const char *name;
	const char *(*probe)(void);
	char why[256];	/* where there is no probe */
} features[] = {
	{ "swap", NULL, "no job asked for it" },
	{ "block", NULL, "no job asked for it" },
	{ "cgroup", NULL, "" },
	{ "cgroup-reclaim", probe_cgroup_reclaim, "" },
	{ "cgroup-swap", probe_cgroup_swap, "" },
	{ "debugfs", probe_debugfs, "" },
	{ "droppable", probe_droppable, "" },
	{ "guard", probe_guard, "" },
	{ "gup-test", probe_gup_test, "" },
	{ "hugetlb", probe_hugetlb, "" },
	{ "io-uring", probe_io_uring, "" },
	{ "kpagecount", probe_kpagecount, "" },
	{ "kpageflags", probe_kpageflags, "" },
	{ "ksm", probe_ksm, "" },
	{ "memfd-secret", probe_memfd_secret, "" },
	{ "numa", probe_numa, "" },
	{ "page-idle", probe_page_idle, "" },
	{ "pagemap", probe_pagemap, "" },
	{ "pageout", probe_pageout, "" },
	{ "populate", probe_populate, "" },
	{ "process-vm", probe_process_vm, "" },
	{ "soft-dirty", probe_soft_dirty, "" },
	{ "thp", probe_thp, "" },
	{ "userfaultfd", probe_userfaultfd, "" },
	{ "userfaultfd-minor", probe_userfaultfd_minor, "" },
	{ "userfaultfd-move", probe_userfaultfd_move, "" },
	{ "userfaultfd-wp", probe_userfaultfd_wp, "" },
	{ "vmsplice", probe_vmsplice, "" },
};

#define FEATURES (sizeof(features) / sizeof(features[0]))

static void lacks(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void lacks(const char *name, const char *format, ...)
{
	va_list arguments;

	for (size_t i = 0; i < FEATURES; i++)
		if (!strcmp(features[i].name, name)) {
			va_start(arguments, format);
			vsnprintf(features[i].why, sizeof(features[i].why), format, arguments);
			va_end(arguments);
		}
}

static void has(const char *name)
{
	lacks(name, "%s", "");
}

/* A module: loaded, or built in. What is built in need not show in sysfs; /builtin lists it. */
static const char *missing_module(const char *name)
{
	char path[128], line[128];
	int found = 0;
	FILE *builtin;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	for (char *c = path + 12; *c; c++)
		if (*c == '-')
			*c = '_';
	if (access(path, F_OK) == 0)
		return "";
	builtin = fopen("/builtin", "re");
	while (builtin && !found && fgets(line, sizeof(line), builtin)) {
		*strchrnul(line, '\n') = 0;
		found = !strcmp(line, path + 12);
	}
	if (builtin)
		fclose(builtin);
	return found ? "" : "neither loaded nor built in";
}

/* "" if the guest has it, else why not. */
static const char *missing(const char *name)
{
	if (!strncmp(name, "module:", 7))
		return missing_module(name + 7);
	for (size_t i = 0; i < FEATURES; i++)
		if (!strcmp(features[i].name, name))
			return features[i].probe ? features[i].probe() : features[i].why;
	return "no such feature";
}

static void tell_features(void (*say)(const char *, int, const char *, ...))
{
	for (size_t i = 0; i < FEATURES; i++)
		say("feature", -1, "%s=%s", features[i].name, missing(features[i].name));
}
