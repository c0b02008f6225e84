/* migrate(A): to the other of nodes 0 and 1. */
HELPER long migrate_page(int page)
{
	void *at = address(page);
	int node = 0, status = 0;

	if (syscall(SYS_move_pages, 0, 1UL, &at, NULL, &status, 0) < 0)
		return -errno;
	node = status == 0;
	long left = syscall(SYS_move_pages, 0, 1UL, &at, &node, &status, MPOL_MF_MOVE_ALL);
	if (left < 0)
		return -errno;
	if (left > 0)
		return -EAGAIN;
	return status < 0 ? status : 0;
}
