/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket: QMP (qmp.h) for any number of clients, served by the
 * event loop.  It reaches the VM through the operations below and knows nothing
 * else of it.  No client can hold up the VM: nothing here waits, a client that
 * does not read its answers is not asked for more commands, and is dropped when
 * events pile up or time is up.
 */
#ifndef TL_CONTROL_H
#define TL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"
#include "lib/evloop.h"

/* --- the VM as control sees it ---------------------------------------------*/

struct control_cpu {
	pid_t tid;
	unsigned int width; /* 32 or 64 */
};

struct control_disk {
	const char *name;   /* "virtio0" */
	const char *file;   /* path, as it was given */
	const char *format; /* "raw" */
	uint64_t size;      /* bytes */
	bool read_only;
	bool direct;
};

/* One statistic; names as query-stats-schemas has them (QEMU qapi/stats). */
struct control_stat {
	const char *name;
	const char *type; /* "cumulative", "instant", "peak", "...-histogram" */
	const char *unit; /* "bytes", "seconds", "cycles", "boolean" or NULL */
	unsigned int base; /* 2 or 10 */
	int exponent;
	unsigned int bucket_size; /* of a linear histogram, else 0 */
	const uint64_t *value;
	unsigned int nr; /* values: 1, or a histogram's buckets */
};

/* query-stats: the VM itself, or vCPU @n. */
#define CONTROL_STATS_VM (-1)

/*
 * All are called on the loop's thread.  Those that return int give 0, or -errno
 * with a line in @err that becomes the client's error; -ENODEV means that there
 * is no such device (DeviceNotActive).
 */
struct control_ops {
	bool (*is_paused)(void *opaque);
	/* Both do nothing if it is so already; they send STOP and RESUME. */
	void (*pause)(void *opaque);
	void (*resume)(void *opaque);
	void (*reset)(void *opaque);
	void (*quit)(void *opaque);
	/* Ask the guest to shut itself down; sends POWERDOWN. */
	int (*powerdown)(void *opaque, struct error *err);
	unsigned int (*nr_cpus)(void *opaque);
	void (*cpu)(void *opaque, unsigned int n, struct control_cpu *cpu);
	unsigned int (*nr_disks)(void *opaque);
	void (*disk)(void *opaque, unsigned int n, struct control_disk *disk);
	/* The VM as a libvirt domain (domain.h); malloc'ed, or NULL. */
	char *(*describe)(void *opaque);
	/* Memory that the guest has, in bytes, and shall have. */
	int (*balloon_get)(void *opaque, uint64_t *actual, struct error *err);
	int (*balloon_set)(void *opaque, uint64_t target, struct error *err);
	/*
	 * Call @fn for each statistic of @which.  -ENOSYS (no @err needed)
	 * where the host has none.
	 */
	int (*stats)(void *opaque, int which,
		     int (*fn)(void *arg, const struct control_stat *stat),
		     void *arg, struct error *err);
};

/* --- the server ------------------------------------------------------------*/

struct control;

struct control_config {
	struct evloop *loop;
	const char *name; /* the VM's */
	const char *path; /* of the socket, or NULL: made from @name */
	const struct control_ops *ops;
	void *opaque;
	/* How long a client may leave output unread; 0: 60 s. */
	unsigned int stall_ms;
};

/*
 * Claim the socket and listen.  Nothing of @config but the loop, the ops and
 * @opaque has to outlive the call.  -EADDRINUSE with TL_NAME: a VM of that name
 * runs.  Anything else (TL_FAIL): no directory for the socket, a path that is
 * too long or is no socket.  See control-socket.h.
 */
int control_open(const struct control_config *config, struct control **out,
		 struct error *err);

/* Where it listens; for as long as @control is there. */
const char *control_path(const struct control *control);

/* Drop all clients, what they were told still arrives; remove the socket. */
void control_close(struct control *control);

/* --- events; loop's thread; NULL is fine and does nothing ------------------*/

/* STOP, RESUME, POWERDOWN */
void control_event(struct control *control, const char *name);
/*
 * RESET, SHUTDOWN: whether the guest did it, and why in the words of QEMU's
 * ShutdownCause ("guest-shutdown", "host-qmp-quit", ...).
 */
void control_event_cause(struct control *control, const char *name, bool guest,
			 const char *reason);
/* BALLOON_CHANGE: the memory that the guest has now, in bytes. */
void control_event_balloon(struct control *control, uint64_t actual);

#endif
