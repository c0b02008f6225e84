/*
 * The first and only long-lived process of a guest: it sets the machine up as /manifest says,
 * runs the jobs one after another, and tells the host what happened, frame by frame (frames.h).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "features.h"
#include "frames.h"

#define MOST (1 << 20)		/* bytes of each stream that the host gets to see of one job */
#define STUCK_MS 10000		/* a killed job must be gone by then */
#define FILES "/fs"		/* the real file system is mounted here */
#define CGROUP "/sys/fs/cgroup"

static int kmsg = -1;

/* ---- the machine ---- */

static void mount_at(const char *type, const char *where, const char *options)
{
	mkdir(where, 0755);
	mount(type, where, type, 0, options);
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		fprintf(stderr, "pagefault: %s: %s\n", path, strerror(errno));
	close(fd);
}

/*
 * The disk of this serial number, waited for: probing goes on after a module is loaded. NULL with
 * the feature marked as missing if there is none.
 */
static const char *disk(const char *serial, const char *feature)
{
	static char device[] = "/dev/vdX";

	if (access("/sys/bus/virtio/drivers/virtio_blk", F_OK)) {
		lacks(feature, "no driver virtio_blk: neither built in nor among the modules");
		return NULL;
	}
	for (int i = 0; i < 500; i++) {
		for (char letter = 'a'; letter < 'e'; letter++) {
			char path[] = "/sys/block/vdX/serial", *text;
			int same;

			*strchr(path, 'X') = letter;
			text = get(path, NULL);
			same = text && !strncmp(text, serial, strlen(serial));
			free(text);
			device[7] = letter;
			if (same && access(device, F_OK) == 0)
				return device;
		}
		usleep(10000);
	}
	lacks(feature, "the disk %s did not show within 5 s", serial);
	return NULL;
}

static void set_up_swap(const char *serial)
{
	const char *device = disk(serial, "swap");

	if (!device)
		return;
	if (swapon(device, 0) < 0)
		lacks("swap", "swapon %s: %s", device, strerror(errno));
	else
		has("swap");
}

static void set_up_files(const char *type, const char *serial)
{
	const char *device = disk(serial, "block");
	int fd;

	if (!device)
		return;
	if (mount(device, FILES, type, 0, NULL) < 0) {
		lacks("block", "mount -t %s %s: %s", type, device, strerror(errno));
		return;
	}
	chmod(FILES, 0755);
	fd = open(FILES "/probe", O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (fd < 0)
		lacks("block", "O_DIRECT on %s: %s", type, strerror(errno));
	else
		has("block");
	close(fd);
	unlink(FILES "/probe");
}

static void set_up_cgroups(void)
{
	mkdir(CGROUP, 0755);
	if (mount("cgroup2", CGROUP, "cgroup2", 0, NULL) < 0)
		lacks("cgroup", "mount -t cgroup2: %s", strerror(errno));
	else if (put(CGROUP "/cgroup.subtree_control", "+memory") < 0)
		lacks("cgroup", "the controller memory in cgroup2: %s", strerror(errno));
	else
		has("cgroup");
}

static void basic_mounts(void)
{
	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("devtmpfs", "/dev", NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount_at("tmpfs", "/tmp", "mode=1777");
	mount_at("tmpfs", "/dev/shm", "mode=1777");
	mount_at("hugetlbfs", "/dev/hugepages", "mode=1777");
}

/* Huge pages for who asks for them, and as elsewhere otherwise: a kernel with so little memory
 * begins with none at all. One that knows of none has no such files. */
static void set_up_huge_pages(void)
{
	put("/sys/kernel/mm/transparent_hugepage/use_zero_page", "1");
	put("/sys/kernel/mm/transparent_hugepage/defrag", "madvise");
	put("/sys/kernel/mm/transparent_hugepage/hugepages-2048kB/enabled", "inherit");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
}

/* A setting that this kernel lacks is no error: the features say what works. */
static void set_sysctl(const char *name, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	put(path, value);
}

/* ---- a job ---- */

struct job {
	int number;
	long timeout_ms;
	int uid;
	char binary[128];
};

static void job_path(char *to, size_t n, int number, const char *name)
{
	snprintf(to, n, "/jobs/%d.%s", number, name);
}

/* In the child. The words of .argv end with a NUL each. */
static void become(const struct job *job, int out, int err)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit none = { 0, 0 };
	char path[64], *words, **argv;
	size_t size = 0, n = 0;
	sigset_t unblocked;
	int in;
	static char *environment[] = {
		"PATH=/", "HOME=/tmp/job", "TMPDIR=/tmp/job", "PAGEFAULT_FS=" FILES "/job",
		"PAGEFAULT_CGROUP=" CGROUP "/job", "PAGEFAULT_GUEST=1", NULL,
	};

	job_path(path, sizeof(path), job->number, "stdin");
	in = open(access(path, F_OK) ? "/dev/null" : path, O_RDONLY);
	job_path(path, sizeof(path), job->number, "argv");
	words = get(path, &size);
	argv = calloc(size + 2, sizeof(*argv));
	for (size_t at = 0; words && at < size; at += strlen(words + at) + 1)
		argv[n++] = words + at;
	sigemptyset(&unblocked);
	sigprocmask(SIG_SETMASK, &unblocked, NULL);
	signal(SIGCHLD, SIG_DFL);
	setsid();
	setrlimit(RLIMIT_MEMLOCK, &all);
	setrlimit(RLIMIT_CORE, &none);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (job->uid && (setgroups(0, NULL) || setgid(job->uid) || setuid(job->uid)))
		_exit(126);
	if (chdir("/tmp/job") == 0)
		execve(job->binary, argv, environment);
	dprintf(2, "%s: %s\n", job->binary, strerror(errno));
	_exit(127);
}

struct stream {
	const char *kind;
	int fd;			/* -1 once its last writer has gone */
	long left;		/* bytes that the host still wants */
	int cut;
};

/* Hand on what a pipe holds. */
static void pump(struct stream *from, int job)
{
	char bytes[CHUNK];
	ssize_t n;

	while (from->fd >= 0 && (n = read(from->fd, bytes, sizeof(bytes))) != 0) {
		if (n < 0)
			return;
		if (n > from->left && !from->cut) {
			from->cut = 1;
			say("cut", job, "%s", from->kind);
		}
		if (n > from->left)
			n = from->left;
		if (n)
			send(from->kind, job, bytes, n);
		from->left -= n;
	}
	if (from->fd >= 0)
		close(from->fd);
	from->fd = -1;
}

static void send_kernel_log(int job)
{
	char record[8192];
	ssize_t n;

	/* EPIPE: records were overwritten before they were read; the next read goes on. */
	while ((n = read(kmsg, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		char *text;

		if (n < 0)
			continue;
		record[n] = 0;
		text = strchr(record, ';');
		if (!text)
			continue;
		*strchrnul(text, '\n') = 0;
		say("log", job, "%s", text + 1);
	}
}

/* True once pid is reaped. Orphans of jobs are reaped on the way. */
static int reap(pid_t pid, int *status)
{
	int any;
	pid_t got;

	while ((got = waitpid(-1, &any, WNOHANG)) > 0)
		if (got == pid) {
			*status = any;
			return 1;
		}
	return 0;
}

static int others_left(void)
{
	return !(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

/* All processes but this one, until none is left. False if one can't be killed. */
static int kill_all(void)
{
	long long end = now_ms() + STUCK_MS;

	do {
		kill(-1, SIGKILL);
		if (!others_left())
			return 1;
		usleep(2000);
	} while (now_ms() < end);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	remove(path);
	return 0;
}

static void fresh_folders(const struct job *job)
{
	static const char *folders[] = { "/tmp/job", FILES "/job" };

	umount2("/tmp/job", MNT_DETACH);
	nftw(FILES "/job", remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	for (int i = 0; i < 2; i++) {
		mkdir(folders[i], 0700);
		if (i == 0)
			mount("tmpfs", folders[i], "tmpfs", 0, "mode=0700");
		if (chown(folders[i], job->uid, job->uid) < 0)
			perror(folders[i]);
	}
	mkdir(CGROUP "/job", 0755);
}

/* What the job left: cgroups below its own go first. */
static void remove_cgroup(const char *path)
{
	char below[512];
	struct dirent *entry;
	DIR *folder = opendir(path);

	if (!folder)
		return;
	while ((entry = readdir(folder)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
			snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
			remove_cgroup(below);
		}
	closedir(folder);
	rmdir(path);
}

static pid_t spawn(const struct job *job, struct stream *out, struct stream *err)
{
	int out_ends[2], err_ends[2];
	pid_t pid;

	if (pipe2(out_ends, O_CLOEXEC) || pipe2(err_ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0)
		become(job, out_ends[1], err_ends[1]);
	close(out_ends[1]);
	close(err_ends[1]);
	out->fd = out_ends[0];
	err->fd = err_ends[0];
	fcntl(out->fd, F_SETFL, O_NONBLOCK);
	fcntl(err->fd, F_SETFL, O_NONBLOCK);
	return pid;
}

/* Until the job ends or its time is over: true if it ended. Sleeps, lest it disturb the job. */
static int attend(pid_t pid, struct stream *out, struct stream *err, const struct job *job,
		  int *status)
{
	long long end = now_ms() + job->timeout_ms;
	sigset_t none;

	sigemptyset(&none);
	for (;;) {
		struct pollfd fds[] = { { out->fd, POLLIN, 0 }, { err->fd, POLLIN, 0 } };
		long long left = end - now_ms();
		struct timespec timeout = { left / 1000, left % 1000 * 1000000 };

		if (reap(pid, status))
			return 1;
		if (left <= 0)
			return 0;
		/* SIGCHLD is blocked but for here, so that no end of a job can be missed. */
		ppoll(fds, 2, &timeout, &none);
		pump(out, job->number);
		pump(err, job->number);
	}
}

/* True unless something of the job can't be killed: the kernel can't be trusted from then on. */
static int run(const struct job *job)
{
	struct stream out = { "out", -1, MOST, 0 }, err = { "err", -1, MOST, 0 };
	int status = 0, ended, clean;
	long long begin, took;
	pid_t pid;

	fresh_folders(job);
	lseek(kmsg, 0, SEEK_END);
	begin = now_ms();
	pid = spawn(job, &out, &err);
	if (pid < 0) {
		say("end", job->number, "0 %u fail fork: %s", sent, strerror(errno));
		return 1;
	}
	ended = attend(pid, &out, &err, job, &status);
	took = now_ms() - begin;
	clean = kill_all();
	pump(&out, job->number);
	pump(&err, job->number);
	remove_cgroup(CGROUP "/job");
	send_kernel_log(job->number);
	if (!clean)
		say("end", job->number, "%lld %u stuck", took, sent);
	else if (!ended)
		say("end", job->number, "%lld %u timeout", took, sent);
	else if (WIFSIGNALED(status))
		say("end", job->number, "%lld %u signal %d", took, sent, WTERMSIG(status));
	else
		say("end", job->number, "%lld %u exit %d", took, sent, WEXITSTATUS(status));
	return clean;
}

/* The first need that the guest can't meet, as a sentence to be freed; NULL if it meets all. */
static char *unmet(int number)
{
	char path[64], *needs, *why = NULL;

	job_path(path, sizeof(path), number, "needs");
	needs = get(path, NULL);
	if (!needs)
		return NULL;
	for (char *rest = needs, *need; !why && (need = strsep(&rest, "\n"));) {
		const char *reason = *need ? missing(need) : "";

		if (*reason && asprintf(&why, "%s: %s", need, reason) < 0)
			why = NULL;
	}
	free(needs);
	return why;
}

static int job_line(const char *line)
{
	struct job job;
	char *why;
	int fine = 1;

	if (sscanf(line, "job %d %ld %d %127s", &job.number, &job.timeout_ms, &job.uid,
		   job.binary) != 4)
		return 1;
	why = unmet(job.number);
	if (why) {
		say("end", job.number, "0 0 skip %s", why);
	} else {
		send("start", job.number, NULL, 0);
		sent = 0;
		fine = run(&job);
	}
	free(why);
	return fine;
}

/* One line of the manifest. False if nothing more may run on this kernel. */
static int obey(const char *line)
{
	char first[128] = "", second[128] = "";
	int fine = 1;

	sscanf(line, "%*s %127s %127[^\n]", first, second);
	if (!strncmp(line, "module ", 7))
		load_module(first);
	else if (!strncmp(line, "sysctl ", 7))
		set_sysctl(first, second);
	else if (!strncmp(line, "set ", 4))
		put(first, second);
	else if (!strncmp(line, "swap ", 5))
		set_up_swap(first);
	else if (!strncmp(line, "files ", 6))
		set_up_files(first, second);
	else if (!strncmp(line, "lacks ", 6))
		lacks(first, "%s", second);
	else if (!strncmp(line, "features", 8))
		tell_features(say);
	else if (!strncmp(line, "job ", 4))
		fine = job_line(line);
	return fine;
}

static void on_child(int signal)
{
	(void)signal;
}

static void watch_children(void)
{
	sigset_t child;

	signal(SIGCHLD, on_child);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
}

int main(void)
{
	struct utsname name;
	char *manifest, *rest, *line;
	int fine = 1;

	watch_children();
	basic_mounts();
	set_up_huge_pages();
	mkdir(FILES, 0755);
	port = open_port("/dev/ttyS1");
	if (port < 0)
		port = open_port("/dev/console");
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uname(&name);
	say("boot", -1, "%s", name.release);
	set_up_cgroups();
	manifest = rest = get("/manifest", NULL);
	while (fine && rest && (line = strsep(&rest, "\n")))
		fine = obey(line);
	free(manifest);
	if (fine)
		send("done", -1, NULL, 0);
	tcdrain(port);
	sync();
	/* The host runs us without reboot: a reset ends the machine, and needs no ACPI. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
