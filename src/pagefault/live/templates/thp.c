/* Huge pages, where they are asked for and only there. */

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE_BYTES = 2 << 20 };

HELPER long anon_huge_kilobytes(void)
{
	char line[128];
	long found = 0;
	FILE *file = fopen("/proc/self/smaps_rollup", "re");

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "AnonHugePages: %ld", &found);
	if (file)
		fclose(file);
	return found;
}

/* Some memory that one huge page could map, but for who asks for none. */
HELPER char *room_for_huge_page(void)
{
	char *room = mmap(NULL, 2 * HUGE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		die("mmap");
	return room;
}

HELPER char *inside(char *room)
{
	return (char *)(((uintptr_t)room + HUGE_BYTES - 1) & -(uintptr_t)HUGE_BYTES);
}

/* Tried: without advice there is none, with it there is. */
HELPER int probe_thp(void)
{
	long before = anon_huge_kilobytes();
	char *room = room_for_huge_page(), *at = inside(room);
	int error = 0;

	*at = 1;
	if (anon_huge_kilobytes() > before)
		error = EBUSY;
	munmap(room, 2 * HUGE_BYTES);
	room = room_for_huge_page();
	at = inside(room);
	if (!error && madvise(at, HUGE_BYTES, MADV_HUGEPAGE) < 0)
		error = errno;
	*at = 1;
	if (!error && anon_huge_kilobytes() <= before)
		error = ENOMEM;
	munmap(room, 2 * HUGE_BYTES);
	return error;
}

HELPER int probe_collapse(void)
{
	char *room = room_for_huge_page(), *at = inside(room);
	int error = 0;

	*at = 1;
	if (madvise(at, HUGE_BYTES, MADV_COLLAPSE) < 0)
		error = errno;
	munmap(room, 2 * HUGE_BYTES);
	return error;
}
