/* r0 = vmstat(splits): whether the direct map was split since this task last looked. */

/* Both levels together; -1 where the kernel does not count them. */
static long counted(const char *what)
{
	char line[128], first[64], second[64];
	long sum = 0, number;
	int found = 0;
	FILE *vmstat = fopen("/proc/vmstat", "re");

	snprintf(first, sizeof(first), "direct_map_level2_%s %%ld", what);
	snprintf(second, sizeof(second), "direct_map_level3_%s %%ld", what);
	while (vmstat && fgets(line, sizeof(line), vmstat))
		if (sscanf(line, first, &number) == 1 || sscanf(line, second, &number) == 1) {
			sum += number;
			found = 1;
		}
	if (vmstat)
		fclose(vmstat);
	return found ? sum : -1;
}

HELPER int probe_direct_map(void)
{
	return counted("splits") < 0 ? ENOENT : 0;
}

HELPER long has_grown(int collapses)
{
	static __thread struct { int tid; long number; } seen[2];
	long number = counted(collapses ? "collapses" : "splits");
	int tid = syscall(SYS_gettid);
	int grown = seen[collapses].tid == tid && number > seen[collapses].number;

	seen[collapses].tid = tid;
	seen[collapses].number = number;
	return grown;
}
