/* Two NUMA nodes: a page moves to the other one. */

#define HAS_MEMORY "/sys/devices/system/node/has_memory"

#ifndef MPOL_MF_MOVE_ALL
#define MPOL_MF_MOVE_ALL (1 << 2)
#endif

HELPER int probe_numa(void)
{
	char nodes[32] = "";
	int fd = open(HAS_MEMORY, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	int got = read(fd, nodes, sizeof(nodes) - 1);
	close(fd);
	return got > 0 && !strncmp(nodes, "0-1", 3) ? 0 : ENODEV;
}
