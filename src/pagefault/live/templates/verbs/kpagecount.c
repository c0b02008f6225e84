/* r0 = kpagecount(A) */
HELPER long mapcount_of(int page)
{
	uint64_t number = 0;
	long error = kpage("/proc/kpagecount", page, &number);

	return error ? error : (long)number;
}
