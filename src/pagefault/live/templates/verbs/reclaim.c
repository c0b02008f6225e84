/* reclaim(): again and again, as pages used lately go last, and those on their way to the disk are
 * met once more. What is pinned or referenced stays. */
HELPER long reclaim_all(void)
{
	enum { TRIES = 8 };

	for (int n = 0; n < TRIES; n++) {
		long error = reclaim_once();
		if (error)
			return -error;
		usleep(1000);
	}
	return 0;
}
