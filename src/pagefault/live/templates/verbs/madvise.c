#define MADV_EXCLUSIVE 63	/* in no kernel */

/* madvise(A..B, dontneed) */
HELPER long advise(int page, int pages, int advice)
{
	long error = madvise(address(page), bytes_of(pages), advice) < 0 ? -errno : 0;

	/* What MADV_FREE has marked waits in a batch, too. */
	if (advice == MADV_FREE)
		settle();
	return error;
}
