/* reclaim_file(): once. What the kernel counts is the answer; 16 rounds go before it says EAGAIN. */
HELPER long reclaim_file(long pages)
{
	return -reclaim_from_files(pages);
}
