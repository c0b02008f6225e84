/* A long-term pin for reading. In private memory it differs from a short one in this only: it does
 * not take the zero page, nor one of a file. So a short one stands in where the page is another, and
 * gup_test takes those. */

static int probe_longterm(void)
{
	probe_gup_test();	/* not all tests need it */
	return probe_frames();
}

static int is_of_a_file(int page)
{
	return pagemap_entry(getpid(), (unsigned long)address(page)) >> 61 & 1;
}

HELPER long longterm_pin(int n, int page, int calls)
{
	long error = copy_pin(n, page, calls);
	uint64_t frame = error ? 0 : frame_of(getpid(), page);

	held[n].by_gup_test = 0;
	if (error || (frame != 0 && frame != zero_frame && !is_of_a_file(page)))
		return error;
	copy_drop(n);
	if (gup_test < 0)
		unable("a long-term pin for reading of the zero page, or of a file's, needs gup_test");
	held[n].by_gup_test = 1;
	return guptest_pin(n, page, GUP_TEST_FAST);
}

HELPER long longterm_read(int n, int cell)
{
	return held[n].by_gup_test ? guptest_read(n, cell) : copy_read(n, cell);
}

HELPER long longterm_write(int n, int cell, long value)
{
	return copy_write(n, cell, value);
}

static void longterm_drop(int n)
{
	if (held[n].by_gup_test)
		guptest_drop(n);
	else
		copy_drop(n);
}

HELPER long longterm_unpin(int n)
{
	return drop_pin(n, longterm_drop);
}
