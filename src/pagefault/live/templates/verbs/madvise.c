/* madvise(A..B, dontneed) */
HELPER long advise(int page, int pages, int advice)
{
	return madvise(address(page), pages * page_bytes, advice) < 0 ? -errno : 0;
}
