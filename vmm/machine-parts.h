/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the machine.  A session (machine.c) lasts as long as the process: the
 * event loop, signals, console, recorder.  A boot (machine-boot.c) lasts from
 * power-on to power-off or reset: memory, KVM's VM, GIC, vCPUs, devices
 * (machine-devs.c).  A guest's reset ends one boot and starts the next, so
 * nothing of the old one can leak into the new.
 */
#ifndef TL_MACHINE_PARTS_H
#define TL_MACHINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "arch-arm/arch.h"
#include "backend/chardev.h"
#include "board.h"
#include "arch-arm/virt.h"
#include "config.h"
#include "core/gmem.h"
#include "core/mmio.h"
#include "core/shadow.h"
#include "hw/power-reg.h"
#include "kvm/coalesced.h"
#include "kvm/ropage.h"
#include "kvm/stats.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"
#include "lib/evloop.h"
#include "panic-watch.h"
#include "power-key.h"

struct control;
struct net;
struct pl011;
struct pl031;
struct pl061;
struct virtio_device;
struct vexpress;
struct virtio_mmio;
struct worker;

enum machine_end {
	END_NONE, /* still running */
	END_POWER_OFF,
	END_RESET,
	END_CRASH,
	END_USER,   /* Ctrl-A x */
	END_SIGNAL, /* SIGTERM, SIGINT, SIGHUP, SIGQUIT */
	/* The control socket's: */
	END_QUIT,
	END_HOST_RESET,
};

/* What the boots leave behind for the session's record, and for the log. */
struct machine_result {
	unsigned int boots;
	unsigned int gic_version;
	enum guest_width width;
	struct board_dev dev[BOARD_MAX_DEVS];
	unsigned int nr_devs;
	pid_t *tid;          /* tid[boot * cfg->cpus + vcpu] */
	struct stats *stats; /* one a vCPU, summed over the boots */
};

/* That the guest's balloon changed, for the clients (machine-balloon.c). */
struct balloon_news {
	struct evloop_timer *timer; /* NULL: never needed yet */
	uint64_t next_ns;           /* no earlier; CLOCK_MONOTONIC */
	atomic_bool is_posted;      /* and not told yet */
};

struct session {
	const struct run_config *cfg;
	struct evloop *loop;
	/* Where to: serial and console may be one and the same. */
	struct chardev *console; /* the virtio console's, or NULL */
	struct chardev *serial;  /* the PL011's */
	struct chardev *port[CONFIG_MAX_PORTS];
	struct chardev *chardev[CONFIG_MAX_PORTS + 2]; /* each one once */
	unsigned int nr_chardevs;
	struct chardev *tty;     /* the one on the terminal, or NULL */
	uint64_t balloon_target; /* bytes */
	struct balloon_news balloon_news;
	struct control *control; /* NULL: none */
	bool paused;             /* also across a reset; loop thread */
	bool halted;             /* by a panic: only a reset leads on */
	int signal_fd;
	struct boot *boot; /* the one that runs, or NULL; loop thread */
	struct disk *disk[CONFIG_MAX_DISKS]; /* NULL: not opened yet */
	struct net *net[CONFIG_MAX_NETS];
	struct machine_result result;

	pthread_mutex_t lock; /* guards what follows */
	enum machine_end end;
	char why[256]; /* END_CRASH, END_SIGNAL: the line to print */
};

/* A device's interrupt line: an SPI of the boot's VM. */
struct spi_line {
	const struct vm *vm;
	uint32_t irq;
};

struct rtc_alarm {
	struct pl031 *rtc;
	struct evloop *loop;
	struct evloop_timer *timer;
	atomic_bool is_posted; /* that the deadline moved */
};

enum uart_out_state {
	UART_OUT_NONE,    /* each character exits, always */
	UART_OUT_UNASKED, /* there is no worker yet, */
	UART_OUT_ASKED,   /* a character came and the loop is to make one, */
	UART_OUT_READY,   /* and has */
};

/* Console output that does not exit (machine-exits.c). */
struct uart_out {
	uint64_t addr; /* UARTDR; 0: not open */
	int timer_fd;
	int wake_fd;                /* writes that do nothing signal it */
	struct evloop_timer *start; /* of the worker; NULL is fine */
	atomic_int state;           /* enum uart_out_state */
	struct worker *worker;      /* the loop's thread */
	bool deaf;                  /* the worker's: wake_fd is not looked at */
	pthread_mutex_t lock;       /* within the UART's: the next four */
	bool plain;                 /* see tx_plain in hw/pl011.h */
	_Atomic bool armed;         /* the zone is there and the timer runs */
	long tick_ns;               /* its interval; 0 is off */
	long idle_ns;               /* for so long no character */
	uint8_t buf[256]; /* what a drain has found; within its lock */
	size_t len;
};

struct virtio_ack {
	struct boot *boot;
	uint64_t addr; /* of InterruptACK */
};

#define BOOT_VIRTIO_PAGES (VIRT_VIRTIO_MAX * VIRT_VIRTIO_STRIDE / ROPAGE_SIZE)

struct boot {
	struct session *session;
	const struct run_config *cfg;
	struct board board;
	struct gmem gmem;
	struct vm vm;
	struct arch_gic gic;
	struct mmio_bus bus;
	struct vcpu_env env;
	struct vcpu vcpu[CONFIG_MAX_CPUS];
	unsigned int nr_vcpus; /* created so far */

	struct ropage uart_page;
	struct ropage virtio_page[BOOT_VIRTIO_PAGES];
	struct coalesced coalesced;
	int inert_fd; /* nobody reads it: virtio's acknowledgements, or -1 */
	struct uart_out uart_out;
	struct virtio_ack ack[BOARD_MAX_DEVS];

	struct spi_line line[BOARD_MAX_DEVS];
	struct pl011 *uart;
	struct rtc_alarm alarm;
	struct pl061 *gpio;
	struct power_key *power_key;
	struct power_reg power_reg;
	struct vexpress *vexpress;     /* NULL: on another board */
	struct virtio_device *balloon; /* NULL: the guest has none */
	struct virtio_mmio *virtio[BOARD_MAX_DEVS];
	int irq_fd[BOARD_MAX_DEVS];
	struct panic_watch panic;         /* of the PL011's output */
	struct panic_watch console_panic; /* of the virtio console's */

	/* machine-control.c's: statistics, and the counter while held. */
	int vm_stats_fd;
	int stats_fd[CONFIG_MAX_CPUS];
	uint64_t counter;
	bool has_counter;

	/* Pages that no device owns and that were reported; 0 is free. */
	_Atomic uint64_t unclaimed[32];
};

/*
 * Write the side file of the recording (vminfo.h).  @ended is how the guest
 * ended, in its words.
 */
int machine_record_write(const struct session *session, const char *ended,
			 struct error *err);

/* The first reason wins; wakes the session's loop.  Any thread. */
void session_end(struct session *session, enum machine_end end, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));

/*
 * Disk @index of the configuration, for a boot to close.  The session keeps it
 * open over resets: a snapshot lasts, and no other VM gets the lock.
 */
int session_disk(struct session *session, unsigned int index,
		 struct disk **disk, struct error *err);

/*
 * --sandbox=full: a root of the process's own, with what later resets open.
 * Before the first thread.
 */
int machine_root_enter(struct session *session, struct error *err);

/* What is behind a network device. */
int machine_net_open(const struct config_net *cfg, struct net **net,
		     struct error *err);

/* --- where the session's ports go (machine-ports.c) ------------------------*/

int session_open_ports(struct session *session, struct error *err);
void session_close_ports(struct session *session);

/* While set, no vCPU waits for a slow reader of its output. */
void session_hurry_ports(struct session *session, bool hurry);

/* All that input held back is offered again. */
void session_room_ports(struct session *session);

/* The virtio console with all of its ports. */
int machine_console_new(struct boot *boot, struct virtio_device **out,
			struct error *err);

/*
 * Press the guest's power key, which is to ask it to shut down.  Any thread.
 * -ENOMEM.
 */
int session_powerdown(struct session *session);

/* --- its balloon (machine-balloon.c) ----------------------------------------*/

/*
 * Ask the guest to give up @bytes of memory, now and after each reboot.
 * -ENODEV without a balloon.  Loop thread.
 */
int session_balloon(struct session *session, uint64_t bytes);

/*
 * *@bytes of memory that the guest has, by its own account: 0 to all of it.
 * -ENODEV without a balloon.  Loop thread.
 */
int session_balloon_kept(const struct session *session, uint64_t *bytes);

/* The device for a boot, whose changes clients of the control socket hear of. */
int machine_balloon_new(struct session *session, struct virtio_device **out,
			struct error *err);
/* Before the loop is freed; no boot is left. */
void session_balloon_close(struct session *session);

/* --- one boot (machine-boot.c) ----------------------------------------------*/

/* Build one boot, ready to run; *@out is NULL on error. */
int boot_new(struct session *session, struct boot **out, struct error *err);
/* Let the vCPUs go. */
int boot_start(struct boot *boot, struct error *err);
/* Stop the vCPUs; afterwards boot_save() adds to the session's result. */
void boot_stop(struct boot *boot);
int boot_save(struct boot *boot, struct error *err);
void boot_free(struct boot *boot);
/* See panic_watch_text(); "" without a panic. */
void boot_panic_text(struct boot *boot, char *text, size_t size);

/* Hold guest and devices still, before boot_start() too; and let them go. */
void boot_hold(struct boot *boot);
void boot_release(struct boot *boot);

/* The control socket, if the configuration wants one; TL_NAME, TL_FAIL. */
int machine_control_open(struct session *session, struct error *err);
/* Pause for good: the guest panicked (PANIC_HOLD), and what it left is kept. */
void machine_control_halt(struct session *session);
/* Tell its clients of a reset, and of the end; session->end says why. */
void machine_control_reset(struct session *session);
void machine_control_ended(struct session *session, bool panicked);

/* Descriptors for query-stats; after the vCPUs' creation, before they run. */
void machine_stats_open(struct boot *boot);
void machine_stats_close(struct boot *boot);

/* --- what spares exits (machine-exits.c) ------------------------------------*/

/* Before the first device; the vCPUs exist.  What fails is done without. */
void machine_exits_open(struct boot *boot);

/* Where device @i of the board shows its registers. */
struct shadow machine_shadow(struct boot *boot, unsigned int i);

/* Prepare for virtio device @i: the writes that set it up are coalesced. */
void machine_virtio_zones(struct boot *boot, unsigned int i);

/* All virtio devices are there and their shadows are filled. */
void machine_exits_show(struct boot *boot);

/* After vm_close(). */
void machine_exits_close(struct boot *boot);

/*
 * Coalesced output of the UART, device @i; before the UART exists.
 */
void machine_uart_open(struct boot *boot, unsigned int i);
/* No vCPU runs; before the UART is freed. */
void machine_uart_close(struct boot *boot);

/* The UART's tx_plain and inert; and a character came from it. */
void machine_uart_plain(void *opaque, bool plain);
void machine_uart_inert(void *opaque, bool inert, uint64_t reg, uint16_t val);
void machine_uart_busy(struct boot *boot);

/* A virtio transport's ack_inert; @opaque is a struct virtio_ack. */
void machine_virtio_inert(void *opaque, bool inert);

/* --- what the files of devices share (machine-devs.c) -----------------------*/

/* The interrupt line of device @i of the board; and its registers on the bus. */
struct irq_line machine_connect_spi(struct boot *boot, unsigned int i);
int machine_add_to_bus(struct boot *boot, unsigned int i,
		       const struct mmio_ops *ops, void *dev,
		       struct error *err);
struct power_switch machine_power(struct boot *boot);

/*
 * Device @i, one that only machine "vexpress-a15" has (machine-vexpress.c); all
 * of them; and their clock stands still, or goes on.
 */
int machine_vexpress_create(struct boot *boot, unsigned int i,
			    struct error *err);
void machine_vexpress_destroy(struct boot *boot);
void machine_vexpress_hold(struct boot *boot);
void machine_vexpress_release(struct boot *boot);

/* All devices of the board, on the bus and on their SPIs. */
int machine_devs_create(struct boot *boot, struct error *err);
void machine_devs_destroy(struct boot *boot);

#endif
