/*
 * How the guest tells the host what happens.
 *
 * A frame is one line,
 *
 *	@PF <kind> <job> <base64 of the payload, - if empty> <crc32 of all before, 8 hex digits>
 *
 * on the second serial port, or on the console if there is only one. Whatever else stands on that
 * line or between frames is noise, and a frame whose crc does not fit never happened.
 *
 *	boot	uname's release
 *	feature	NAME=, or NAME=why the guest lacks it
 *	cut	"out" or "err": the job wrote more than the host gets to see
 *	start	a job begins
 *	out err	what it wrote
 *	log	what the kernel logged meanwhile
 *	end	milliseconds, the number of frames since start, and one of "exit N", "signal N",
 *		"timeout", "stuck", "skip WHY", "fail WHY"
 *	done	all jobs have been run
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 1536		/* payload bytes of one frame */

static int port = -1;
static unsigned int sent;	/* frames since the start of the job */

static uint32_t crc32(const char *text, size_t n)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned char)text[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
	}
	return ~crc;
}

static size_t base64(char *to, const unsigned char *from, size_t n)
{
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *start = to;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t word = from[i] << 16;

		if (i + 1 < n)
			word |= from[i + 1] << 8;
		if (i + 2 < n)
			word |= from[i + 2];
		*to++ = digit[word >> 18];
		*to++ = digit[word >> 12 & 63];
		*to++ = i + 1 < n ? digit[word >> 6 & 63] : '=';
		*to++ = i + 2 < n ? digit[word & 63] : '=';
	}
	return to - start;
}

static void send(const char *kind, int job, const void *payload, size_t n)
{
	static char line[CHUNK * 4 / 3 + 128];
	size_t used = sprintf(line, "\n@PF %s %d ", kind, job);

	if (n)
		used += base64(line + used, payload, n);
	else
		line[used++] = '-';
	used += sprintf(line + used, " %08x\n", crc32(line + 1, used - 1));
	sent++;
	for (size_t done = 0; done < used;) {
		ssize_t got = write(port, line + done, used - done);

		if (got <= 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (got > 0)
			done += got;
	}
}

static void say(const char *kind, int job, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void say(const char *kind, int job, const char *format, ...)
{
	char text[CHUNK];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	send(kind, job, text, n < CHUNK ? n : CHUNK - 1);
}

static int open_port(const char *name)
{
	struct termios settings;
	int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

	/* A port that is not there can be opened, but has no settings. */
	if (fd < 0 || tcgetattr(fd, &settings) < 0) {
		close(fd);
		return -1;
	}
	cfmakeraw(&settings);
	cfsetspeed(&settings, B115200);
	tcsetattr(fd, TCSANOW, &settings);
	return fd;
}

/* ---- small helpers ---- */

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;

	close(fd);
	errno = error;
	return ok ? 0 : -1;
}

/* The whole file with a NUL behind it, to be freed; its size, if wanted, without the NUL. */
static char *get(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t n = 0;
	ssize_t more;

	if (fd < 0)
		return NULL;
	do {
		text = realloc(text, n + 65536 + 1);
		more = read(fd, text + n, 65536);
		n += more > 0 ? more : 0;
	} while (more > 0);
	close(fd);
	text[n] = 0;
	if (size)
		*size = n;
	return text;
}
