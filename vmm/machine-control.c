// SPDX-License-Identifier: GPL-2.0-only
/* The machine as the control socket sees it; all on the loop's thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "domain.h"
#include "lib/log.h"
#include "machine-parts.h"
#include "virtio/mmio.h"

/*
 * A vCPU that takes longer is not in the guest but writes to a console that
 * nobody reads.  It will stop before it enters the guest again.
 */
#define HOLD_MS 500

/* --- pause -----------------------------------------------------------------*/

/*
 * The virtual counter stands while the guest is held: it has no way to know
 * that it was, and a jump makes its watchdogs bark and its timers all fire at
 * once.  The RTC (PL031) shows the time of day all along.
 */
void boot_hold(struct boot *boot)
{
	unsigned int i;
	int ret;

	for (i = 0; i < boot->nr_vcpus; i++)
		vcpu_hold(&boot->vcpu[i]);
	for (i = 0; i < boot->nr_vcpus; i++)
		if (!vcpu_wait_held(&boot->vcpu[i], HOLD_MS))
			log_info("vCPU %u waits for a device while paused", i);
	for (i = 0; i < boot->board.nr_devs; i++)
		if (boot->virtio[i])
			virtio_mmio_pause(boot->virtio[i]);
	machine_vexpress_hold(boot);
	ret = arch_counter_get(&boot->vcpu[0], &boot->counter);
	boot->has_counter = !ret;
	if (ret)
		log_info("the guest's clock goes on while it is paused: %s",
			 strerror(-ret));
}

void boot_release(struct boot *boot)
{
	unsigned int i;

	if (boot->has_counter)
		arch_counter_set(&boot->vcpu[0], boot->counter);
	machine_vexpress_release(boot);
	for (i = 0; i < boot->board.nr_devs; i++)
		if (boot->virtio[i])
			virtio_mmio_resume(boot->virtio[i]);
	for (i = 0; i < boot->nr_vcpus; i++)
		vcpu_resume(&boot->vcpu[i]);
	/* Input that came meanwhile. */
	session_room_ports(boot->session);
}

static bool is_paused(void *opaque)
{
	struct session *session = opaque;

	return session->paused;
}

static void do_pause(void *opaque)
{
	struct session *session = opaque;

	if (session->paused)
		return;
	session->paused = true;
	boot_hold(session->boot);
	control_event(session->control, "STOP");
}

static void do_resume(void *opaque)
{
	struct session *session = opaque;

	if (!session->paused || session->halted)
		return;
	session->paused = false;
	control_event(session->control, "RESUME");
	boot_release(session->boot);
}

void machine_control_halt(struct session *session)
{
	session->halted = true;
	if (session->paused)
		return;
	session->paused = true;
	boot_hold(session->boot);
	if (session->control)
		control_event(session->control, "STOP");
}

/* --- other actions ---------------------------------------------------------*/

static void do_reset(void *opaque)
{
	session_end(opaque, END_HOST_RESET, NULL);
}

static void do_quit(void *opaque)
{
	session_end(opaque, END_QUIT, NULL);
}

static int powerdown(void *opaque, struct error *err)
{
	struct session *session = opaque;

	if (session->boot && !session->boot->power_key)
		return error_set(err, TL_FAIL, ENODEV,
				 "machine %s has no power key: shut the guest "
				 "down from inside",
				 session->boot->board.map->name);
	if (session_powerdown(session))
		return error_set(err, TL_FAIL, ENOMEM,
				 "no memory to press the power key");
	control_event(session->control, "POWERDOWN");
	return 0;
}

static int no_balloon(struct error *err)
{
	return error_set(err, TL_FAIL, ENODEV,
			 "No balloon device has been activated");
}

/* QMP counts the memory that the guest keeps, the device what it gives up. */
static int balloon_get(void *opaque, uint64_t *actual, struct error *err)
{
	return session_balloon_kept(opaque, actual) ? no_balloon(err) : 0;
}

static int balloon_set(void *opaque, uint64_t target, struct error *err)
{
	struct session *session = opaque;
	const uint64_t size = session->cfg->mem_size;

	if (session_balloon(session, target < size ? size - target : 0))
		return no_balloon(err);
	return 0;
}

/* --- what there is ---------------------------------------------------------*/

static unsigned int nr_cpus(void *opaque)
{
	const struct session *session = opaque;

	return session->boot->nr_vcpus;
}

static void get_cpu(void *opaque, unsigned int n, struct control_cpu *cpu)
{
	struct session *session = opaque;

	*cpu = (struct control_cpu){
		.tid = vcpu_tid(&session->boot->vcpu[n]),
		.width = session->boot->board.kernel.width,
	};
}

static char *describe(void *opaque)
{
	const struct session *session = opaque;
	const struct boot *boot = session->boot;
	const struct domain_facts facts = {
		.width = boot->board.kernel.width,
		.gic = boot->gic.version,
		.bootargs = boot->board.bootargs,
	};

	return domain_write(session->cfg, &facts);
}

static unsigned int nr_disks(void *opaque)
{
	const struct session *session = opaque;

	return session->cfg->nr_disks;
}

static void get_disk(void *opaque, unsigned int n, struct control_disk *disk)
{
	static char name[16];
	struct session *session = opaque;
	const struct disk_options *image = &session->cfg->disk[n];
	struct stat st;

	snprintf(name, sizeof(name), "virtio%u", n);
	*disk = (struct control_disk){
		.name = name,
		.file = image->path,
		.format = "raw",
		.read_only = image->read_only,
	};
	if (!stat(image->path, &st))
		disk->size = (uint64_t)st.st_size;
}

/* --- statistics ------------------------------------------------------------*/

/*
 * Opened before the vCPUs run: KVM_GET_STATS_FD would wait for KVM_RUN to
 * return.  Reading the descriptor waits for nothing.
 */
void machine_stats_open(struct boot *boot)
{
	unsigned int i;

	boot->vm_stats_fd = stats_open_vm(&boot->vm);
	for (i = 0; i < boot->nr_vcpus; i++)
		boot->stats_fd[i] = stats_open_vcpu(&boot->vcpu[i]);
}

void machine_stats_close(struct boot *boot)
{
	unsigned int i;

	if (boot->vm_stats_fd > 0)
		close(boot->vm_stats_fd);
	for (i = 0; i < boot->nr_vcpus; i++)
		if (boot->stats_fd[i] > 0)
			close(boot->stats_fd[i]);
}

struct forward {
	int (*fn)(void *arg, const struct control_stat *stat);
	void *arg;
};

static int forward_stat(void *opaque, const struct stats_desc *desc,
			const uint64_t *value)
{
	static const char *const types[] = {
		[STATS_CUMULATIVE] = "cumulative",
		[STATS_INSTANT] = "instant",
		[STATS_PEAK] = "peak",
		[STATS_LINEAR_HIST] = "linear-histogram",
		[STATS_LOG_HIST] = "log2-histogram",
	};
	static const char *const units[] = {
		[STATS_NO_UNIT] = NULL,      [STATS_BYTES] = "bytes",
		[STATS_SECONDS] = "seconds", [STATS_CYCLES] = "cycles",
		[STATS_BOOLEAN] = "boolean",
	};
	const struct control_stat stat = {
		.name = desc->name,
		.type = types[desc->type],
		.unit = units[desc->unit],
		.base = desc->base,
		.exponent = desc->exponent,
		.bucket_size =
			desc->type == STATS_LINEAR_HIST ? desc->bucket_size : 0,
		.value = value,
		.nr = desc->nr,
	};
	struct forward *forward = opaque;

	return forward->fn(forward->arg, &stat);
}

static int get_stats(void *opaque, int which,
		     int (*fn)(void *arg, const struct control_stat *stat),
		     void *arg, struct error *err)
{
	struct session *session = opaque;
	struct boot *boot = session->boot;
	struct forward forward = { fn, arg };
	int fd = which == CONTROL_STATS_VM ? boot->vm_stats_fd
					   : boot->stats_fd[which];
	int ret;

	ret = fd < 0 ? fd : stats_walk(fd, forward_stat, &forward);
	if (ret && ret != -ENOSYS)
		error_set(err, TL_HOST, -ret,
			  "cannot read KVM's statistics: %s", strerror(-ret));
	return ret;
}

/* --- open ------------------------------------------------------------------*/

static const struct control_ops control_ops = {
	.is_paused = is_paused,
	.pause = do_pause,
	.resume = do_resume,
	.reset = do_reset,
	.quit = do_quit,
	.powerdown = powerdown,
	.nr_cpus = nr_cpus,
	.cpu = get_cpu,
	.describe = describe,
	.nr_disks = nr_disks,
	.disk = get_disk,
	.balloon_get = balloon_get,
	.balloon_set = balloon_set,
	.stats = get_stats,
};

int machine_control_open(struct session *session, struct error *err)
{
	const struct run_config *cfg = session->cfg;
	const struct control_config config = {
		.loop = session->loop,
		.name = cfg->name,
		.path = cfg->control,
		.ops = &control_ops,
		.opaque = session,
	};
	struct error why = { 0 };
	int ret;

	if (cfg->no_control)
		return 0;
	ret = control_open(&config, &session->control, &why);
	/* Nobody asked for a name or a socket, so a guest runs without. */
	if (ret && ret != -EADDRINUSE && !cfg->named && !cfg->control) {
		log_info("%s", why.text);
		return 0;
	}
	if (ret)
		*err = why;
	return ret;
}

/* How the session's last boot ended, in the words of QEMU's ShutdownCause. */
void machine_control_ended(struct session *session, bool panicked)
{
	static const struct {
		const char *reason;
		bool guest;
	} causes[] = {
		[END_NONE] = { "host-error", false },
		[END_POWER_OFF] = { "guest-shutdown", true },
		[END_RESET] = { "guest-reset", true },
		[END_CRASH] = { "host-error", false },
		[END_USER] = { "host-ui", false },
		[END_SIGNAL] = { "host-signal", false },
		[END_QUIT] = { "host-qmp-quit", false },
		[END_HOST_RESET] = { "host-qmp-system-reset", false },
	};

	control_event_cause(
		session->control, "SHUTDOWN", causes[session->end].guest,
		panicked ? "guest-panic" : causes[session->end].reason);
}

void machine_control_reset(struct session *session)
{
	const bool guest = session->end == END_RESET;

	control_event_cause(session->control, "RESET", guest,
			    guest ? "guest-reset" : "host-qmp-system-reset");
}
