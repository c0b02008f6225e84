/*
 * What a kernel counts of the pages that it takes away, and what it says when the limit of their
 * memory cgroup is lowered to half of them: droppable ones against those of MADV_FREE.
 *
 * Usage: dropped_and_counted CGROUP droppable|freed, with CGROUP an empty cgroup of version 1.
 * Prints: the error, how many of PAGES are left, and by how much three counters of /proc/vmstat grew.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 4096l
#define PAGE 4096l
#define MAP_DROPPABLE_ 0x08

static const char *cgroup;

static int put(const char *file, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	int fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return error;
}

static int limit(long bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", bytes);
	return put("memory.limit_in_bytes", text);
}

static long counter(const char *name)
{
	char word[64];
	long value, found = -1;
	FILE *file = fopen("/proc/vmstat", "r");

	while (file && fscanf(file, "%63s %ld", word, &value) == 2)
		if (!strcmp(word, name))
			found = value;
	if (file)
		fclose(file);
	return found;
}

static long resident(char *pages)
{
	static uint64_t entry[PAGES];
	int fd = open("/proc/self/pagemap", O_RDONLY);
	long n = 0;

	if (fd < 0 || pread(fd, entry, sizeof(entry), (uintptr_t)pages / PAGE * 8) != sizeof(entry))
		return -1;
	close(fd);
	for (long i = 0; i < PAGES; i++)
		n += entry[i] >> 63;
	return n;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "pgsteal_file", "pglazyfreed", "pgactivate" };
	long before[3];

	if (argc != 3)
		return 2;
	cgroup = argv[1];
	int droppable = !strcmp(argv[2], "droppable");
	int error = put("cgroup.procs", "0");
	if (!error)
		error = limit(4 * PAGES * PAGE);
	if (error) {
		fprintf(stderr, "%s: %s\n", cgroup, strerror(error));
		return 1;
	}
	char *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			   (droppable ? MAP_DROPPABLE_ : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (long i = 0; i < PAGES; i++)
		pages[i * PAGE] = 'A';
	if (!droppable && madvise(pages, PAGES * PAGE, MADV_FREE)) {
		perror("MADV_FREE");
		return 1;
	}
	for (int i = 0; i < 3; i++)
		before[i] = counter(names[i]);
	error = limit(PAGES / 2 * PAGE);
	printf("%d %ld", error, resident(pages));
	for (int i = 0; i < 3; i++)
		printf(" %ld", counter(names[i]) - before[i]);
	printf("\n");
	return 0;
}
