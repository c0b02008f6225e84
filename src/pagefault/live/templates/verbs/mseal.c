/* Mappings that nobody changes any more. */

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

HELPER int probe_seal(void)
{
	return syscall(SYS_mseal, NULL, 0, 0) < 0 ? errno : 0;
}

/* mseal(A..B) */
HELPER long seal(int page, int pages)
{
	return syscall(SYS_mseal, address(page), bytes_of(pages), 0) < 0 ? -errno : 0;
}
