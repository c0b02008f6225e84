static const char *usage =
	"usage: %s                      what is built in\n"
	"       %s P,P,C...             these schedules (of the only test)\n"
	"       %s --stress N           N times with all tasks running free, and a histogram\n"
	"       %s -                    lines of standard input: NUMBER-OF-TEST P,P,C\n"
	"                                 or NUMBER-OF-TEST --stress N; with the word frames before\n"
	"                                 the schedule, which pages share a frame is printed, too\n"
	"       %s --cpu K ...          the driver on the K-th CPU, from 0\n"
	"       %s --record N ...       lines are recorded by their number, from N, as pagefault asks\n";

static long line_number;

static unsigned missing;	/* features that this machine lacks, of those that were probed */
static unsigned probed;
static int feature_error[NR_FEATURES + 1];

/* Whether the machine has what `test` needs; what is missing is said once a test. */
static int can_run(int number, int stressed)
{
	static unsigned char said[NR_TESTS];
	int able = 1;

	for (int f = 0; f < NR_FEATURES; f++) {
		uint64_t bit = 1ull << f;
		if (!(test->needs & bit))
			continue;
		if (!(probed & bit)) {
			probed |= bit;
			feature_error[f] = feature[f].probe();
			missing |= feature_error[f] ? bit : 0;
		}
		if (missing & bit) {
			able = 0;
			if (!said[number])
				printf("skip %d %s: %s\n", number, feature[f].name,
				       strerror(feature_error[f]));
		}
	}
	if (stressed && test->no_stress) {
		able = 0;
		printf("skip %d %s\n", number, test->no_stress);
	}
	said[number] |= !able;
	return able;
}

static void record_line(void)
{
	char text[24];

	snprintf(text, sizeof(text), "\n%ld ", line_number++);
	for (const char *c = text; *c; c++)
		record(*c);
}

static void run_line(int number, const char *word, long iterations)
{
	record_line();
	test = &tests[number];
	if (!can_run(number, iterations > 0))
		return;
	if (iterations > 0)
		stress(number, iterations);
	else
		run_and_print(number, word);
}

static void run_input(void)
{
	static char line[4096];
	int number, at;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);	/* nobody would read what we say */
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (sscanf(line, "%d %n", &number, &at) != 1 || number < 0 || number >= NR_TESTS) {
			printf("bad %s\n", line);
			line_number++;
			continue;
		}
		int frames = !strncmp(line + at, "frames ", 7);
		at += frames * 7;
		want_frames = frames && !probe_frames();
		long iterations = !strncmp(line + at, "--stress ", 9) ? atol(line + at + 9) : 0;
		run_line(number, line + at, iterations);
	}
	printf("end\n");
}

static void run_built_in(void)
{
	for (int n = 0; n < NR_TESTS; n++) {
		if (built_in_iterations)
			run_line(n, "", built_in_iterations);
		else
			for (int s = 0; s < tests[n].schedules; s++)
				run_line(n, tests[n].schedule[s], 0);
	}
}

/* " lru_gen=0x0007" where there is a multi-generational LRU, else nothing. */
static const char *lru_gen(void)
{
	static char text[32] = " lru_gen=";
	FILE *file = fopen("/sys/kernel/mm/lru_gen/enabled", "r");
	int told = file && fscanf(file, "%15s", text + strlen(text)) == 1;

	if (file)
		fclose(file);
	return told ? text : "";
}

static void introduce(void)
{
	struct utsname name;

	uname(&name);
	printf("kernel %s %s %s%s\n", name.sysname, name.release, name.machine, lru_gen());
	for (int n = 0; n < NR_TESTS; n++)
		printf("test %d %s\n", n, tests[n].name);
}

static void set_up(void)
{
	page_bytes = sysconf(_SC_PAGESIZE);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	shared->driver = getpid();
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		die("sched_getaffinity");
	bind_to(home);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	catch_faults();
	can_look = probe_process_vm() == 0;
	signal(SIGPIPE, SIG_DFL);
}

static int find_recorder(void)
{
	unsigned char said = 0;
	int port = open("/dev/port", O_RDWR | O_CLOEXEC);

	if (port >= 0 && (pread(port, &said, 1, RECORDER) != 1 || said != RECORDER)) {
		close(port);
		port = -1;
	}
	return port;
}

int main(int argc, char **argv)
{
	const char *name = argv[0];
	int buffering = _IOFBF;

	for (; argc > 2; argv += 2, argc -= 2) {
		if (!strcmp(argv[1], "--cpu")) {
			home = atoi(argv[2]);
		} else if (!strcmp(argv[1], "--record")) {
			line_number = atol(argv[2]);
			recorder = find_recorder();
			/* Without one, what was not answered tells what ran last. */
			buffering = recorder < 0 ? _IOLBF : _IOFBF;
		} else {
			break;
		}
	}
	setvbuf(stdout, NULL, buffering, 1 << 16);
	set_up();
	introduce();
	if (argc == 1)
		run_built_in();
	else if (argc == 2 && !strcmp(argv[1], "-"))
		run_input();
	else if (argc == 3 && !strcmp(argv[1], "--stress") && atol(argv[2]) > 0)
		for (int n = 0; n < NR_TESTS; n++)
			run_line(n, "", atol(argv[2]));
	else if (argv[1][0] != '-')
		for (int i = 1; i < argc; i++)
			run_line(0, argv[i], 0);
	else {
		fprintf(stderr, usage, name, name, name, name, name, name);
		return 2;
	}
	return 0;
}
