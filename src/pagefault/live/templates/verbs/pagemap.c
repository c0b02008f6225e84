/* r0 = pagemap(A, present): one bit of an entry */
HELPER long pagemap_bit(int page, int bit)
{
	return pagemap_entry(getpid(), (unsigned long)address(page)) >> bit & 1;
}
