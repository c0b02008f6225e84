/* exit(): of this task only, its threads live on. The turn passes when it has left its memory, and
 * the driver sees to that. */
HELPER void exit_task(void)
{
	shared->seat[me].state = EXITED;
	if (shared->free_running) {
		not_busy();
	} else {
		settle();
		shared->leaving = me;
		give_turn(DRIVER);
	}
	syscall(SYS_exit, 0);
}
