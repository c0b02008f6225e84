/* madvise(A..B, dontneed) */
HELPER long advise(int page, int pages, int advice)
{
	return madvise(address(page), bytes_of(pages), advice) < 0 ? -errno : 0;
}
