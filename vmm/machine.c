// SPDX-License-Identifier: GPL-2.0-only
/* The session: what stays while a guest boots, resets and boots again. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "backend/net.h"
#include "control.h"
#include "lib/log.h"
#include "machine.h"
#include "machine-parts.h"
#include "recorder.h"
#include "vminfo.h"

void session_end(struct session *session, enum machine_end end, const char *fmt,
		 ...)
{
	va_list ap;

	pthread_mutex_lock(&session->lock);
	if (session->end == END_NONE) {
		session->end = end;
		if (fmt) {
			va_start(ap, fmt);
			vsnprintf(session->why, sizeof(session->why), fmt, ap);
			va_end(ap);
		}
	}
	pthread_mutex_unlock(&session->lock);
	evloop_stop(session->loop);
}

static enum machine_end session_ended(struct session *session)
{
	enum machine_end end;

	pthread_mutex_lock(&session->lock);
	end = session->end;
	pthread_mutex_unlock(&session->lock);
	return end;
}

/* --- signals ---------------------------------------------------------------*/

static const struct {
	int sig;
	const char *name;
} end_signals[] = {
	{ SIGTERM, "SIGTERM" },
	{ SIGINT, "SIGINT" },
	{ SIGHUP, "SIGHUP" },
	{ SIGQUIT, "SIGQUIT" },
};

#define NR_END_SIGNALS (sizeof(end_signals) / sizeof(end_signals[0]))

static void signal_ready(void *opaque, uint32_t events)
{
	struct session *session = opaque;
	struct signalfd_siginfo info;
	size_t i;

	(void)events;
	if (read(session->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	for (i = 0; i < NR_END_SIGNALS; i++)
		if ((int)info.ssi_signo == end_signals[i].sig)
			session_end(session, END_SIGNAL, "ended by signal %s",
				    end_signals[i].name);
}

/* Before any thread is made, so that all inherit the mask. */
static int open_signals(struct session *session, struct error *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < NR_END_SIGNALS; i++)
		sigaddset(&set, end_signals[i].sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A closed stdout is the console's business, not the process's end. */
	sigaction(SIGPIPE, &ignore, NULL);
	vcpu_signals_init();

	session->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (session->signal_fd < 0)
		return error_set(err, TL_FAIL, errno, "signalfd: %s",
				 strerror(errno));
	return evloop_add(session->loop, session->signal_fd, EPOLLIN,
			  signal_ready, session, err);
}

/* --- open, close -----------------------------------------------------------*/

/* /dev/kvm on a free descriptor 1 would get the guest's output. */
static void reserve_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/*
 * Before the sandbox, which lets no program be started and no interface be set
 * up.  They stay open over resets: an address or a connection outlives one.
 */
static int session_open_nets(struct session *session, struct error *err)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < session->cfg->nr_nets; i++)
		ret = machine_net_open(&session->cfg->net[i], &session->net[i],
				       err);
	return ret;
}

static int session_open(struct session *session, const struct run_config *cfg,
			struct error *err)
{
	int ret;

	*session = (struct session){ .cfg = cfg,
				     .signal_fd = -1,
				     .balloon_target = cfg->balloon_size };
	pthread_mutex_init(&session->lock, NULL);
	reserve_stdio();

	session->result.stats = calloc(cfg->cpus, sizeof(struct stats));
	if (!session->result.stats)
		return error_set(err, TL_FAIL, ENOMEM, "no memory for %u vCPUs",
				 cfg->cpus);
	session->loop = evloop_new(err);
	if (!session->loop)
		return -err->errnum;
	ret = open_signals(session, err);
	if (ret)
		return ret;
	ret = machine_control_open(session, err);
	if (ret)
		return ret;
	ret = session_open_ports(session, err);
	if (ret)
		return ret;
	ret = session_open_nets(session, err);
	if (ret)
		return ret;
	if (cfg->sandbox == SANDBOX_FULL)
		ret = machine_root_enter(session, err);
	return ret ? ret : sandbox_open(cfg->sandbox, err);
}

int session_disk(struct session *session, unsigned int index,
		 struct disk **disk, struct error *err)
{
	int ret = 0;

	*disk = NULL;
	if (!session->disk[index])
		ret = disk_open(&session->cfg->disk[index],
				&session->disk[index], err);
	if (!ret)
		*disk = disk_get(session->disk[index]);
	return ret;
}

static void close_nets(struct session *session)
{
	unsigned int i;

	for (i = 0; i < CONFIG_MAX_NETS; i++)
		net_close(session->net[i]);
}

static void close_disks(struct session *session)
{
	unsigned int i;

	for (i = 0; i < CONFIG_MAX_DISKS; i++)
		disk_close(session->disk[i]);
}

static void session_close(struct session *session)
{
	close_disks(session);
	close_nets(session);
	session_close_ports(session);
	session_balloon_close(session);
	control_close(session->control);
	if (session->signal_fd >= 0) {
		evloop_del(session->loop, session->signal_fd);
		close(session->signal_fd);
	}
	evloop_free(session->loop);
	free(session->result.tid);
	free(session->result.stats);
	pthread_mutex_destroy(&session->lock);
}

/* --- run -------------------------------------------------------------------*/

/* Run the loop until something ends the boot. */
static int wait_end(struct session *session, struct error *err)
{
	int ret = 0;

	while (!ret && session_ended(session) == END_NONE)
		ret = evloop_run(session->loop, err);
	return ret;
}

/*
 * The guest is to stay as its panic left it, for someone to look at: its vCPUs
 * have stopped, and what ends it comes from outside.
 */
static int hold_panicked(struct session *session, const char *panic,
			 struct error *err)
{
	int ret;

	log_warn("the guest's kernel panicked: %s; the guest is held: trapline "
		 "reset %s or trapline stop %s goes on",
		 panic, session->cfg->name, session->cfg->name);
	pthread_mutex_lock(&session->lock);
	session->end = END_NONE;
	pthread_mutex_unlock(&session->lock);
	machine_control_halt(session);
	ret = wait_end(session, err);
	session->paused = session->halted = false;
	return ret;
}

/* Processes that are to be ended with the VM: trace-cmd, passt. */
static bool has_children(const struct run_config *cfg)
{
	bool yes = cfg->trace != NULL;
	unsigned int i;

	for (i = 0; i < cfg->nr_nets; i++)
		yes |= cfg->net[i].mode == CONFIG_NET_USER;
	return yes;
}

/*
 * The vCPUs' threads are started, and held, before the main thread is shut in:
 * so they pass their own filter at each exit and not the main thread's as well.
 * Those of a reset pass both.
 */
static int start_shut_in(struct session *session, struct error *err)
{
	struct boot *boot = session->boot;
	unsigned int i;
	int ret;

	for (i = 0; i < boot->nr_vcpus; i++)
		vcpu_hold(&boot->vcpu[i]);
	ret = boot_start(boot, err);
	if (!ret)
		ret = sandbox_lock(has_children(session->cfg), err);
	if (ret)
		return ret;
	for (i = 0; !session->paused && i < boot->nr_vcpus; i++)
		vcpu_resume(&boot->vcpu[i]);
	return 0;
}

/*
 * From power-on to the end of one boot.  *@panic is the panic's line if there
 * was one.  The recording starts before the first vCPU runs.
 */
static int run_boot(struct session *session, struct recorder **recorder,
		    char *panic, size_t panic_size, struct error *err)
{
	const struct recorder_config record = { .path = session->cfg->trace };
	int ret;

	session->end = END_NONE;
	ret = boot_new(session, &session->boot, err);
	if (ret)
		return ret;
	if (record.path && !*recorder) {
		ret = recorder_start(&record, recorder, err);
		if (!ret)
			ret = vminfo_claim(record.path, err);
		if (ret)
			goto free_boot;
	}
	if (session->paused)
		boot_hold(session->boot);
	ret = start_shut_in(session, err);
	if (!ret)
		ret = wait_end(session, err);
	boot_stop(session->boot);
	if (!ret)
		ret = boot_save(session->boot, err);
	boot_panic_text(session->boot, panic, panic_size);
	if (!ret && *panic && session_ended(session) == END_RESET &&
	    session->cfg->panic == PANIC_HOLD)
		ret = hold_panicked(session, panic, err);
free_boot:
	boot_free(session->boot);
	session->boot = NULL;
	return ret;
}

struct outcome {
	enum tl_status status;
	const char *word; /* vminfo.h */
};

static struct outcome judge(const struct session *session, const char *panic,
			    struct error *err)
{
	switch (session->end) {
	case END_NONE:
		break;
	case END_POWER_OFF:
		return (struct outcome){ TL_OK, "power-off" };
	case END_HOST_RESET:
		break;
	case END_USER:
	case END_QUIT:
		return (struct outcome){ TL_OK, "user" };
	case END_RESET:
		if (*panic) {
			error_set(err, TL_GUEST_PANIC, 0,
				  "the guest's kernel panicked: %s", panic);
			return (struct outcome){ TL_GUEST_PANIC, "panic" };
		}
		error_set(err, TL_GUEST_RESET, 0,
			  "the guest asked for a reset (--no-reboot)");
		return (struct outcome){ TL_GUEST_RESET, "reset" };
	case END_CRASH:
		error_set(err, TL_GUEST_CRASH, 0, "%s", session->why);
		return (struct outcome){ TL_GUEST_CRASH, "crash" };
	case END_SIGNAL:
		error_set(err, TL_FAIL, EINTR, "%s", session->why);
		return (struct outcome){ TL_FAIL, "signal" };
	}
	return (struct outcome){ TL_FAIL, "crash" };
}

/* A reset from outside was asked for whatever the guest and --no-reboot say. */
static bool boots_again(const struct session *session, const char *panic)
{
	return session->end == END_HOST_RESET ||
	       (session->end == END_RESET && !session->cfg->no_reboot &&
		(!*panic || session->cfg->panic == PANIC_RESET));
}

/* Boot until the guest ends otherwise than by a reset. */
static enum tl_status run_session(struct session *session, struct error *err)
{
	struct recorder *recorder = NULL;
	struct outcome outcome = { TL_OK, NULL };
	struct error late = { 0 };
	char panic[PANIC_WATCH_TEXT] = "";
	int ret;

	for (;;) {
		ret = run_boot(session, &recorder, panic, sizeof(panic), err);
		if (ret || !boots_again(session, panic))
			break;
		machine_control_reset(session);
	}
	machine_control_ended(session, session->end == END_RESET && *panic);

	if (!ret)
		outcome = judge(session, panic, err);
	/* How the guest ended is said first, if both went wrong. */
	if (recorder && !recorder_stop(recorder, &late) && outcome.word)
		machine_record_write(session, outcome.word, &late);
	else if (recorder)
		vminfo_unclaim(session->cfg->trace);
	if (ret)
		return err->status;
	if (late.text[0] && outcome.status == TL_OK) {
		*err = late;
		return late.status;
	}
	if (late.text[0])
		log_error("%s", late.text);
	return outcome.status;
}

enum tl_status machine_run(const struct run_config *cfg, struct error *err)
{
	enum tl_status status;
	struct session session;
	int ret;

	ret = session_open(&session, cfg, err);
	status = ret ? err->status : run_session(&session, err);
	session_close(&session);
	return status;
}
