/* migrate(A): to the other of nodes 0 and 1. Only what the call does not even try has a status. Up
 * to 5.16 it says that all is well when the last page stayed, so the page is asked where it is. */
static long node_of(void *at)
{
	int status = 0;

	if (syscall(SYS_move_pages, 0, 1UL, &at, NULL, &status, 0) < 0)
		return -errno;
	return status;
}

HELPER long migrate_page(int page)
{
	void *at = address(page);
	long before = node_of(at);
	int node = before == 0, status = 0;
	long left = syscall(SYS_move_pages, 0, 1UL, &at, &node, &status, MPOL_MF_MOVE_ALL);

	if (left < 0)
		return -errno;
	if (status < 0)
		return status;
	return before >= 0 && node_of(at) == before ? -EAGAIN : 0;
}
