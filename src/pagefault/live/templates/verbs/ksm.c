/* ksm(): the first scan of a page remembers its checksum, the second merges it, the one under way
 * may have passed it. No page is passed over because it did not merge before (smart_scan). */
HELPER long ksm_scan(void)
{
	enum { SCANS = 4, MOST_MS = 10000 };
	long end = read_ksm(KSM "full_scans") + SCANS;
	int error = write_ksm(KSM "sleep_millisecs", 0);

	if (!error && smart_scan > 0)
		error = write_ksm(KSM "smart_scan", 0);
	if (!error)
		error = write_ksm(KSM "run", 1);
	for (int ms = 0; !error && read_ksm(KSM "full_scans") < end; ms++) {
		error = ms < MOST_MS ? 0 : ETIMEDOUT;
		usleep(1000);
	}
	stop_ksmd();
	return -error;
}
