/* r0 = pagemap(A, present): one bit of an entry. By thread: the process may have exited. */
HELPER long pagemap_bit(int page, int bit)
{
	return pagemap_entry(shared->seat[me].tid, (unsigned long)address(page)) >> bit & 1;
}
