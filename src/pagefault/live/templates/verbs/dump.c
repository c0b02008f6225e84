/* r0 = dump(A[1]): a child, which has the same memory, ends by a signal in a folder of its own, and
 * of its core the cell is read. What is in no segment of the core reads as zero. */

#include <dirent.h>
#include <elf.h>
#include <sys/resource.h>

static char core_folder[128];

static int make_core_folder(void)
{
	const char *folder[] = { getenv("TMPDIR"), "/var/tmp", "/tmp", "/" };

	for (size_t i = 0; i < sizeof(folder) / sizeof(*folder); i++) {
		if (!folder[i])
			continue;
		snprintf(core_folder, sizeof(core_folder), "%s/pagefault-core-XXXXXX", folder[i]);
		if (mkdtemp(core_folder))
			return 0;
	}
	return errno;
}

static void die_with_a_core(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	int filter = open("/proc/self/coredump_filter", O_WRONLY);

	if (filter < 0 || write(filter, "0xff", 4) != 4 || chdir(core_folder) < 0)
		_exit(1);
	setrlimit(RLIMIT_CORE, &limit);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	signal(SIGABRT, SIG_DFL);
	kill(getpid(), SIGABRT);
	_exit(1);
}

/* The only file there, open and without a name; -1 if there is none. */
static int take_core(void)
{
	DIR *folder = opendir(core_folder);
	struct dirent *entry;
	int fd = -1;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.') {
			fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC);
			unlinkat(dirfd(folder), entry->d_name, 0);
		}
	if (folder)
		closedir(folder);
	rmdir(core_folder);
	return fd;
}

static long cell_of_core(int core, unsigned long at)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;
	signed char value = 0;

	if (pread(core, &head, sizeof(head), 0) != sizeof(head))
		return -EIO;
	for (int i = 0; i < head.e_phnum; i++) {
		off_t place = head.e_phoff + (off_t)i * head.e_phentsize;
		if (pread(core, &part, sizeof(part), place) != sizeof(part))
			return -EIO;
		if (part.p_type != PT_LOAD || at < part.p_vaddr || at >= part.p_vaddr + part.p_filesz)
			continue;
		if (pread(core, &value, 1, part.p_offset + (at - part.p_vaddr)) != 1)
			return -EIO;
	}
	return value;
}

static int core_of_a_child(void)
{
	int status, pid;

	if (make_core_folder())
		return -1;
	pid = fork();
	if (pid == 0)
		die_with_a_core();
	if (pid > 0)
		waitpid(pid, &status, __WALL);
	return take_core();
}

HELPER long dump_cell(int page, int cell)
{
	int core = core_of_a_child();
	long value;

	if (core < 0)
		return -EIO;
	value = cell_of_core(core, (unsigned long)cell_of(page, cell));
	close(core);
	return value;
}

static int probe_cores(void)
{
	char pattern[128] = "";
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC), core;

	if (fd < 0 || read(fd, pattern, sizeof(pattern) - 1) < 1)
		return fd < 0 ? errno : ENODEV;
	close(fd);
	if (strpbrk(pattern, "|/"))
		return ENODEV;
	core = core_of_a_child();
	if (core < 0)
		return ENODEV;
	close(core);
	return 0;
}
