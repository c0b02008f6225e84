/* r0 = kpageflags(A, zero) */
HELPER long kpage_flag(int page, int bit)
{
	uint64_t number = 0;
	long error = kpage("/proc/kpageflags", page, &number);

	return error ? error : (long)(number >> bit & 1);
}
