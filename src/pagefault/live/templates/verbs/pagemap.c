/* r0 = pagemap(A, soft_dirty) */
HELPER long page_says(int page, int bit)
{
	return entry_at(getpid(), (unsigned long)address(page)) >> bit & 1;
}
