static int probe_proc(void)
{
	return access("/proc/self/stat", R_OK) ? errno : 0;
}
