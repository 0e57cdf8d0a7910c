// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/console.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>

#include "virtio/device.h"

#define QUEUE_MAX  64
#define INPUT_SIZE 4096  /* a power of two */
#define CHUNK_MAX  65536 /* written at a time: a lock is held meanwhile */

/* 5.3.2: port 0 has the first two queues, the control queues come next. */
enum { Q_RX0, Q_TX0, Q_CONTROL_RX, Q_CONTROL_TX, Q_PORT1 };

/* What the guest is still to be told of a port, in this order. */
enum {
	TELL_ADD = 1 << 0,
	TELL_CONSOLE = 1 << 1,
	TELL_SIZE = 1 << 2,
	TELL_NAME = 1 << 3,
	TELL_OPEN = 1 << 4,
};

struct port {
	struct virtio_console *con;
	uint32_t id;
	struct chardev *dev; /* NULL: there is no such port */
	char name[VIRTIO_CONSOLE_NAME_MAX + 1];

	/* Under con->lock. */
	bool ready;        /* the driver knows of it */
	bool guest_open;   /* and a program has it open */
	bool connected;    /* someone is at the host's end */
	bool owed;         /* input was refused for want of room */
	unsigned int tell; /* TELL_* */
	uint32_t head;     /* input[head..tail-1], modulo its size */
	uint32_t tail;
	uint8_t input[INPUT_SIZE];

	/* The worker's: output that its chardev had no room for. */
	bool stalled;
	struct virtq_chain out;
};

struct virtio_console {
	struct virtio_device vdev; /* first: the two are cast */
	pthread_mutex_t lock;
	bool running;  /* under lock */
	uint16_t cols; /* under lock */
	uint16_t rows;
	void (*watch)(void *opaque, const uint8_t *buf, size_t len);
	void *opaque;
	uint32_t nr_ports; /* places, the console's included */
	struct port port[];
};

static struct virtio_console *to_console(struct virtio_device *vdev)
{
	return (struct virtio_console *)vdev;
}

static bool multiport(const struct virtio_console *con)
{
	return con->vdev.features >> VIRTIO_CONSOLE_F_MULTIPORT & 1;
}

static unsigned int rx_queue(const struct port *port)
{
	return port->id ? Q_PORT1 + 2 * (port->id - 1) : Q_RX0;
}

static unsigned int tx_queue(const struct port *port)
{
	return rx_queue(port) + 1;
}

/* --- input, from the loop's thread ----------------------------------------- */

/*
 * A port throws away what comes while no program has it open (5.3.6.2).  Linux
 * does the same with a console until it has registered it, and says so only
 * with multiport; a driver without that gets its input as soon as it is there.
 */
static bool wants_input(const struct port *port)
{
	const struct virtio_console *con = port->con;

	if (!con->running)
		return false;
	return multiport(con) ? port->guest_open : port->id == 0;
}

static size_t port_input(void *opaque, const uint8_t *buf, size_t len)
{
	struct port *port = opaque;
	struct virtio_console *con = port->con;
	size_t n = 0;

	pthread_mutex_lock(&con->lock);
	if (wants_input(port))
		while (n < len && port->tail - port->head < INPUT_SIZE)
			port->input[port->tail++ % INPUT_SIZE] = buf[n++];
	port->owed = n < len;
	pthread_mutex_unlock(&con->lock);
	if (n)
		virtio_device_notify(&con->vdev, rx_queue(port));
	return n;
}

/* Bytes from the start of @in on. */
static uint32_t take_input(struct port *port, const struct iov_buf *in)
{
	uint32_t done = 0, at, n;
	unsigned int i;
	size_t off;

	for (i = 0; i < in->nr; i++) {
		for (off = 0; off < in->iov[i].iov_len; off += n) {
			n = port->tail - port->head;
			at = port->head % INPUT_SIZE;
			if (n > INPUT_SIZE - at)
				n = INPUT_SIZE - at;
			if (n > in->iov[i].iov_len - off)
				n = (uint32_t)(in->iov[i].iov_len - off);
			if (!n)
				return done;
			memcpy((uint8_t *)in->iov[i].iov_base + off,
			       port->input + at, n);
			port->head += n;
			done += n;
		}
	}
	return done;
}

static bool has_input(const struct port *port)
{
	return wants_input(port) && port->tail != port->head;
}

static void process_rx(struct port *port, unsigned int q)
{
	struct virtio_console *con = port->con;
	struct virtq_chain chain;
	bool room;

	pthread_mutex_lock(&con->lock);
	while (has_input(port) && virtio_device_pop(&con->vdev, q, &chain)) {
		if (!chain.in_len) {
			virtio_device_fail(&con->vdev, q,
					   "receive buffer without room");
			break;
		}
		virtio_device_push(&con->vdev, q, &chain,
				   take_input(port, &chain.in));
	}
	room = port->owed && wants_input(port) &&
	       port->tail - port->head < INPUT_SIZE;
	if (room)
		port->owed = false;
	pthread_mutex_unlock(&con->lock);
	if (room)
		chardev_room(port->dev);
}

/* --- output ---------------------------------------------------------------- */

static void port_writable(void *opaque)
{
	struct port *port = opaque;

	virtio_device_notify(&port->con->vdev, tx_queue(port));
}

/* False: the chardev is full, and port_writable() follows. */
static bool write_out(struct port *port)
{
	struct virtio_console *con = port->con;
	struct iov_buf *out = &port->out.out;
	size_t len, n;

	while (out->nr) {
		len = out->iov->iov_len;
		if (len > CHUNK_MAX)
			len = CHUNK_MAX;
		n = chardev_write(port->dev, out->iov->iov_base, len);
		if (n && port->id == 0 && con->watch)
			con->watch(con->opaque, out->iov->iov_base, n);
		iov_trim_front(out, n);
		if (n < len)
			return false;
	}
	return true;
}

static void process_tx(struct port *port, unsigned int q)
{
	struct virtio_console *con = port->con;

	while (port->stalled || virtio_device_pop(&con->vdev, q, &port->out)) {
		port->stalled = !write_out(port);
		if (port->stalled)
			return;
		virtio_device_push(&con->vdev, q, &port->out, 0);
	}
}

/* --- control queues (5.3.6.2) ---------------------------------------------- */

struct message {
	struct virtio_console_control control;
	uint8_t data[VIRTIO_CONSOLE_NAME_MAX];
};

/* Under the lock: the first of @port's news; the message's length. */
static size_t next_message(struct port *port, struct message *msg)
{
	struct virtio_console *con = port->con;
	const unsigned int what = port->tell & -port->tell;
	uint16_t event = 0, value = 1;
	size_t extra = 0;
	/* Linux reads rows first, whatever 5.3.6.2 says. */
	const uint16_t size[] = { htole16(con->rows), htole16(con->cols) };

	port->tell &= ~what;
	switch (what) {
	case TELL_ADD:
		event = VIRTIO_CONSOLE_PORT_ADD;
		break;
	case TELL_CONSOLE:
		event = VIRTIO_CONSOLE_CONSOLE_PORT;
		break;
	case TELL_SIZE:
		event = VIRTIO_CONSOLE_RESIZE;
		extra = sizeof(size);
		memcpy(msg->data, size, extra);
		break;
	case TELL_NAME:
		event = VIRTIO_CONSOLE_PORT_NAME;
		extra = strlen(port->name);
		memcpy(msg->data, port->name, extra);
		break;
	case TELL_OPEN:
		event = VIRTIO_CONSOLE_PORT_OPEN;
		value = port->connected;
		break;
	}
	msg->control = (struct virtio_console_control){
		.id = htole32(port->id),
		.event = htole16(event),
		.value = htole16(value),
	};
	return sizeof(msg->control) + extra;
}

static struct port *port_with_news(struct virtio_console *con)
{
	uint32_t i;

	for (i = 0; i < con->nr_ports; i++)
		if (con->port[i].tell)
			return &con->port[i];
	return NULL;
}

static void process_control_rx(struct virtio_console *con, unsigned int q)
{
	struct virtq_chain chain;
	struct message msg;
	struct port *port;
	size_t len;

	pthread_mutex_lock(&con->lock);
	while ((port = port_with_news(con)) &&
	       virtio_device_pop(&con->vdev, q, &chain)) {
		len = next_message(port, &msg);
		if (iov_copy_in(&chain.in, &msg, len) < len) {
			virtio_device_fail(&con->vdev, q,
					   "control buffer too small");
			break;
		}
		virtio_device_push(&con->vdev, q, &chain, (uint32_t)len);
	}
	pthread_mutex_unlock(&con->lock);
}

/* Under the lock: the driver has a port with our number. */
static void port_ready(struct port *port)
{
	struct virtio_console *con = port->con;

	port->ready = true;
	if (port->id == 0)
		port->tell |= TELL_CONSOLE;
	if (port->id == 0 && con->cols)
		port->tell |= TELL_SIZE;
	if (port->name[0])
		port->tell |= TELL_NAME;
	if (port->connected)
		port->tell |= TELL_OPEN;
}

/* Under the lock. */
static void hear(struct virtio_console *con,
		 const struct virtio_console_control *control)
{
	const uint32_t id = le32toh(control->id);
	const uint16_t value = le16toh(control->value);
	struct port *port;
	uint32_t i;

	if (le16toh(control->event) == VIRTIO_CONSOLE_DEVICE_READY) {
		/* 5.3.5: 0 says that the driver could not set itself up. */
		for (i = 0; value && i < con->nr_ports; i++)
			if (con->port[i].dev)
				con->port[i].tell |= TELL_ADD;
		return;
	}
	if (id >= con->nr_ports || !con->port[id].dev)
		return;
	port = &con->port[id];
	switch (le16toh(control->event)) {
	case VIRTIO_CONSOLE_PORT_READY:
		if (value)
			port_ready(port);
		break;
	case VIRTIO_CONSOLE_PORT_OPEN:
		port->guest_open = value;
		/* Input that waited for it. */
		virtio_device_notify(&con->vdev, rx_queue(port));
		chardev_room(port->dev);
		break;
	}
}

static void process_control_tx(struct virtio_console *con, unsigned int q)
{
	struct virtio_console_control control;
	struct virtq_chain chain;

	while (virtio_device_pop(&con->vdev, q, &chain)) {
		if (iov_copy_out(&chain.out, &control, sizeof(control)) <
		    sizeof(control)) {
			virtio_device_fail(&con->vdev, q,
					   "control message cut short");
			return;
		}
		pthread_mutex_lock(&con->lock);
		hear(con, &control);
		pthread_mutex_unlock(&con->lock);
		virtio_device_push(&con->vdev, q, &chain, 0);
	}
	/* Answers may be due. */
	process_control_rx(con, Q_CONTROL_RX);
}

/* Under the lock. */
static void tell(struct port *port, unsigned int what)
{
	if (!port->ready)
		return; /* it will be told then */
	port->tell |= what;
	virtio_device_notify(&port->con->vdev, Q_CONTROL_RX);
}

static void port_connected(void *opaque, bool connected)
{
	struct port *port = opaque;
	struct virtio_console *con = port->con;

	pthread_mutex_lock(&con->lock);
	port->connected = connected;
	tell(port, TELL_OPEN);
	pthread_mutex_unlock(&con->lock);
}

static void port_resized(void *opaque, uint16_t columns, uint16_t rows)
{
	struct port *port = opaque;
	struct virtio_console *con = port->con;

	pthread_mutex_lock(&con->lock);
	con->cols = columns;
	con->rows = rows;
	tell(port, TELL_SIZE);
	pthread_mutex_unlock(&con->lock);
	virtio_device_config_changed(&con->vdev);
}

/* --- configuration space (5.3.4) ------------------------------------------- */

static void console_config_read(struct virtio_device *vdev, uint64_t offset,
				void *buf, size_t len)
{
	struct virtio_console *con = to_console(vdev);
	struct virtio_console_config config = { 0 };

	pthread_mutex_lock(&con->lock);
	config.cols = htole16(con->cols);
	config.rows = htole16(con->rows);
	pthread_mutex_unlock(&con->lock);
	config.max_nr_ports = htole32(con->nr_ports);
	virtio_config_copy(&config, sizeof(config), offset, buf, len);
}

/* emerg_wr: a character, also from a driver that never got further. */
static void console_config_write(struct virtio_device *vdev, uint64_t offset,
				 const void *buf, size_t len)
{
	struct virtio_console *con = to_console(vdev);
	const uint8_t *byte = buf;

	if (offset != offsetof(struct virtio_console_config, emerg_wr) ||
	    !len || !con->port[0].dev)
		return;
	/* A vCPU does not wait: what finds no room is lost. */
	chardev_write(con->port[0].dev, byte, 1);
	if (con->watch)
		con->watch(con->opaque, byte, 1);
}

/* --- life ------------------------------------------------------------------ */

static void console_process(struct virtio_device *vdev, unsigned int q)
{
	struct virtio_console *con = to_console(vdev);
	uint32_t id = 0;

	if (q >= Q_CONTROL_RX && !multiport(con))
		return;
	if (q == Q_CONTROL_RX) {
		process_control_rx(con, q);
		return;
	}
	if (q == Q_CONTROL_TX) {
		process_control_tx(con, q);
		return;
	}
	if (q >= Q_PORT1)
		id = 1 + (q - Q_PORT1) / 2;
	if (!con->port[id].dev)
		return;
	if (q % 2)
		process_tx(&con->port[id], q);
	else
		process_rx(&con->port[id], q);
}

static void console_activate(struct virtio_device *vdev)
{
	struct virtio_console *con = to_console(vdev);
	uint32_t i;

	pthread_mutex_lock(&con->lock);
	con->running = true;
	pthread_mutex_unlock(&con->lock);
	for (i = 0; i < con->nr_ports; i++) {
		if (!con->port[i].dev)
			continue;
		/* Input taken from the chardev before a reset, and new input. */
		virtio_device_notify(vdev, rx_queue(&con->port[i]));
		chardev_room(con->port[i].dev);
	}
}

static void console_reset(struct virtio_device *vdev)
{
	struct virtio_console *con = to_console(vdev);
	uint32_t i;

	pthread_mutex_lock(&con->lock);
	con->running = false;
	for (i = 0; i < con->nr_ports; i++) {
		con->port[i].ready = false;
		con->port[i].guest_open = false;
		con->port[i].tell = 0;
		con->port[i].stalled = false;
	}
	pthread_mutex_unlock(&con->lock);
}

static void console_free(struct virtio_device *vdev)
{
	struct virtio_console *con = to_console(vdev);
	uint32_t i;

	for (i = 0; i < con->nr_ports; i++)
		if (con->port[i].dev)
			chardev_attach(con->port[i].dev, NULL);
	pthread_mutex_destroy(&con->lock);
	free(con);
}

static const struct virtio_device_ops console_ops = {
	.name = "virtio-console",
	.id = VIRTIO_ID_CONSOLE,
	.config_read = console_config_read,
	.config_write = console_config_write,
	.activate = console_activate,
	.process = console_process,
	.reset = console_reset,
	.free = console_free,
};

static int check(const struct virtio_console_params *params, struct error *err)
{
	unsigned int i;
	size_t len;

	if (!params->console && !params->nr_ports)
		return error_set(err, TL_FAIL, EINVAL,
				 "virtio-console: neither console nor port");
	if (params->nr_ports >= VIRTIO_CONSOLE_MAX_PORTS)
		return error_set(err, TL_USAGE, EINVAL,
				 "virtio-console: %u ports are too many: at "
				 "most %u",
				 params->nr_ports,
				 VIRTIO_CONSOLE_MAX_PORTS - 1);
	for (i = 0; i < params->nr_ports; i++) {
		len = strlen(params->port[i].name);
		if (!len || len > VIRTIO_CONSOLE_NAME_MAX)
			return error_set(err, TL_USAGE, EINVAL,
					 "virtio-console: '%.80s' is no name "
					 "of a port: 1 to %u bytes",
					 params->port[i].name,
					 VIRTIO_CONSOLE_NAME_MAX);
	}
	return 0;
}

static void add_port(struct virtio_console *con, uint32_t id, const char *name,
		     struct chardev *dev)
{
	struct port *port = &con->port[id];
	const struct chardev_front front = {
		.input = port_input,
		.writable = port_writable,
		.connected = port_connected,
		.resized = id == 0 ? port_resized : NULL,
		.opaque = port,
	};

	port->dev = dev;
	snprintf(port->name, sizeof(port->name), "%s", name);
	port->connected = chardev_connected(dev);
	chardev_attach(dev, &front);
}

int virtio_console_new(const struct virtio_console_params *params,
		       struct virtio_device **out, struct error *err)
{
	const uint32_t nr_ports = params->nr_ports + 1;
	struct virtio_console *con;
	uint32_t i;
	int ret;

	*out = NULL;
	ret = check(params, err);
	if (ret)
		return ret;
	con = calloc(1, sizeof(*con) + nr_ports * sizeof(con->port[0]));
	if (!con)
		return error_set(err, TL_FAIL, ENOMEM,
				 "virtio-console: out of memory");
	pthread_mutex_init(&con->lock, NULL);
	con->watch = params->watch;
	con->opaque = params->opaque;
	con->nr_ports = nr_ports;
	for (i = 0; i < nr_ports; i++) {
		con->port[i].con = con;
		con->port[i].id = i;
	}

	con->vdev.ops = &console_ops;
	con->vdev.queue_max = QUEUE_MAX;
	con->vdev.nr_queues = Q_PORT1 + 2 * params->nr_ports;
	con->vdev.offered = UINT64_C(1) << VIRTIO_CONSOLE_F_EMERG_WRITE |
			    UINT64_C(1) << VIRTIO_CONSOLE_F_MULTIPORT;
	if (params->console &&
	    chardev_size(params->console, &con->cols, &con->rows))
		con->vdev.offered |= UINT64_C(1) << VIRTIO_CONSOLE_F_SIZE;

	if (params->console)
		add_port(con, 0, "", params->console);
	for (i = 1; i < nr_ports; i++)
		add_port(con, i, params->port[i - 1].name,
			 params->port[i - 1].dev);
	*out = &con->vdev;
	return 0;
}
