// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "control-commands.h"
#include "control-socket.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "qmp.h"

#define MAX_CLIENTS 32
#define MAX_MESSAGE 65536 /* bytes of one command */
#define MAX_EVENTS  65536 /* bytes unread when one more event comes */
#define READ_SIZE   4096
#define STALL_MS    60000
#define NS_PER_MS   UINT64_C(1000000)

struct client {
	struct client *next;
	struct control *control;
	int fd;
	bool negotiated; /* qmp_capabilities was said */
	bool at_end;     /* the client has no more commands */
	bool dead;       /* to be freed by sweep() */
	struct qmp_reader in;
	char *out; /* what could not be sent yet: out[sent..end-1] */
	size_t sent, end, cap;
	uint64_t since; /* when output was last stuck or moved */
};

struct control {
	struct evloop *loop;
	struct control_target target;
	char *name;
	struct unix_listener sock;
	struct client *clients;
	unsigned int nr_clients;
	unsigned int busy; /* handlers that have a client in hand */
	struct evloop_timer *timer;
	uint64_t timer_at; /* when it is due, UINT64_MAX for never */
	uint64_t stall_ns;
	bool deaf; /* not accepting, until the timer is due */
};

/* --- clients come and go ---------------------------------------------------*/

static bool has_output(const struct client *client)
{
	return client->end > client->sent;
}

/* Handlers further up may hold it, so it is freed when they are done. */
static void drop(struct client *client, const char *why)
{
	if (client->dead)
		return;
	client->dead = true;
	evloop_del(client->control->loop, client->fd);
	close(client->fd);
	if (why)
		log_warn("control: a client is dropped: %s", why);
}

static void sweep(struct control *control)
{
	struct client **link = &control->clients, *client;

	if (control->busy)
		return;
	while ((client = *link)) {
		if (!client->dead) {
			link = &client->next;
			continue;
		}
		*link = client->next;
		control->nr_clients--;
		qmp_reader_free(&client->in);
		free(client->out);
		free(client);
	}
}

/* Commands are read only while nothing waits to be sent. */
static void update_watch(struct client *client)
{
	uint32_t events = EPOLLIN;

	if (client->dead)
		return;
	if (has_output(client))
		events = EPOLLOUT;
	else if (client->at_end)
		events = 0;
	evloop_mod(client->control->loop, client->fd, events);
}

/* --- output ----------------------------------------------------------------*/

static void flush_output(struct client *client)
{
	while (!client->dead && has_output(client)) {
		ssize_t n = send(client->fd, client->out + client->sent,
				 client->end - client->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		/* A client that has gone is nobody's loss. */
		if (n < 0) {
			drop(client, NULL);
			return;
		}
		client->sent += (size_t)n;
		client->since = monotonic_ns();
	}
	client->sent = client->end = 0;
}

static bool reserve(struct client *client, size_t len)
{
	size_t want = client->end + len;
	char *out;

	if (want <= client->cap)
		return true;
	want += want / 2;
	out = realloc(client->out, want);
	if (!out)
		return false;
	client->out = out;
	client->cap = want;
	return true;
}

/* The timer serves all clients, so it only ever moves forward. */
static void arm_timer(struct control *control, uint64_t delay)
{
	const uint64_t when = monotonic_ns() + delay;

	if (when >= control->timer_at)
		return;
	control->timer_at = when;
	evloop_timer_set(control->timer, when);
}

/* Takes @message over. */
static void send_json(struct client *client, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	const size_t len = text ? strlen(text) : 0;
	const bool was_stuck = has_output(client);

	json_decref(message);
	if (!text || !reserve(client, len + 2)) {
		free(text);
		drop(client, "no memory for its answer");
		return;
	}
	memcpy(client->out + client->end, text, len);
	memcpy(client->out + client->end + len, "\r\n", 2);
	client->end += len + 2;
	free(text);

	if (was_stuck)
		return;
	flush_output(client);
	if (!client->dead && has_output(client)) {
		client->since = monotonic_ns();
		arm_timer(client->control, client->control->stall_ns);
	}
}

/* --- commands --------------------------------------------------------------*/

/* Section 2.4: no capability is on offer, so none can be enabled. */
static json_t *negotiate(struct client *client, json_t *args,
			 struct qmp_error *error)
{
	json_t *value;
	const char *key;

	json_object_foreach (args, key, value) {
		if (strcmp(key, "enable") || !json_is_array(value)) {
			qmp_error_set(error, QMP_GENERIC,
				      "Parameter '%.60s' is unexpected", key);
			return NULL;
		}
		if (json_array_size(value)) {
			qmp_error_set(error, QMP_GENERIC,
				      "no capability is on offer to enable");
			return NULL;
		}
	}
	client->negotiated = true;
	return json_object();
}

static json_t *execute(struct client *client, const struct qmp_request *request,
		       struct qmp_error *error)
{
	const bool negotiating = !strcmp(request->command, "qmp_capabilities");

	if (negotiating && !client->negotiated)
		return negotiate(client, request->args, error);
	if (negotiating) {
		qmp_error_set(error, QMP_COMMAND_NOT_FOUND,
			      "Capabilities negotiation is already complete, "
			      "command ignored");
		return NULL;
	}
	if (!client->negotiated) {
		qmp_error_set(error, QMP_COMMAND_NOT_FOUND,
			      "Expecting capabilities negotiation with "
			      "'qmp_capabilities'");
		return NULL;
	}
	return control_execute(&client->control->target, request->command,
			       request->args, error);
}

static void handle_message(struct client *client, const char *text, size_t len)
{
	struct qmp_request request;
	struct qmp_error error = { 0 };
	json_t *value = NULL;

	if (!qmp_request_parse(text, len, &request, &error))
		value = execute(client, &request, &error);
	if (value)
		send_json(client, qmp_return(value, request.id));
	else if (error.class)
		send_json(client, qmp_failure(&error, request.id));
	else
		drop(client, "no memory for its answer");
	qmp_request_free(&request);
}

static void complain(struct client *client, const char *what)
{
	struct qmp_error error;

	qmp_error_set(&error, QMP_GENERIC, "%s", what);
	send_json(client, qmp_failure(&error, NULL));
}

/* Serve what has been read, while the answers get through. */
static void serve(struct client *client)
{
	const char *text;
	size_t len;

	while (!client->dead && !has_output(client)) {
		switch (qmp_reader_next(&client->in, &text, &len)) {
		case QMP_NONE:
			if (client->at_end)
				drop(client, NULL);
			return;
		case QMP_MESSAGE:
			handle_message(client, text, len);
			break;
		case QMP_GARBAGE:
			complain(client, "Invalid JSON syntax: a message is "
					 "one JSON object");
			break;
		case QMP_TOO_LONG:
			complain(client, "the message is too long");
			drop(client, "its message exceeds 64 KiB");
			break;
		}
	}
}

static void read_input(struct client *client)
{
	size_t len = READ_SIZE;
	char *room = qmp_reader_room(&client->in, &len);
	ssize_t n;

	if (!room) {
		drop(client, "no memory for its message");
		return;
	}
	n = recv(client->fd, room, len, MSG_DONTWAIT);
	if (n > 0)
		qmp_reader_filled(&client->in, (size_t)n);
	else if (n == 0)
		client->at_end = true;
	else if (errno != EAGAIN && errno != EINTR)
		drop(client, NULL);
}

static void client_ready(void *opaque, uint32_t events)
{
	struct client *client = opaque;
	struct control *control = client->control;

	(void)events;
	control->busy++;
	if (has_output(client))
		flush_output(client);
	else
		read_input(client);
	serve(client);
	update_watch(client);
	control->busy--;
	sweep(control);
}

/* --- the listener ----------------------------------------------------------*/

static void refuse(int fd)
{
	static const char text[] =
		"{\"error\": {\"class\": \"GenericError\", \"desc\": "
		"\"too many clients\"}}\r\n";

	if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("control: %s", strerror(errno));
	log_warn("control: a client is refused: %d are connected", MAX_CLIENTS);
	close(fd);
}

static void add_client(struct control *control, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	struct error err = { 0 };

	if (!client || evloop_add(control->loop, fd, EPOLLIN, client_ready,
				  client, &err)) {
		log_warn("control: a client is refused: %s",
			 client ? err.text : "no memory");
		free(client);
		close(fd);
		return;
	}
	client->control = control;
	client->fd = fd;
	qmp_reader_init(&client->in, MAX_MESSAGE);
	client->next = control->clients;
	control->clients = client;
	control->nr_clients++;
	control->busy++;
	send_json(client, qmp_greeting());
	update_watch(client);
	control->busy--;
	sweep(control);
}

#define RETRY_NS (1000 * NS_PER_MS)

static void accept_ready(void *opaque, uint32_t events)
{
	struct control *control = opaque;
	int fd;

	(void)events;
	fd = accept4(control->sock.fd, NULL, NULL,
		     SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0 && control->nr_clients >= MAX_CLIENTS) {
		refuse(fd);
	} else if (fd >= 0) {
		add_client(control, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* No descriptors: the client stays where it is and would wake
		 * us all the time. */
		log_warn("control: cannot accept a client: %s",
			 strerror(errno));
		evloop_mod(control->loop, control->sock.fd, 0);
		control->deaf = true;
		arm_timer(control, RETRY_NS);
	}
}

static void timer_due(void *opaque)
{
	struct control *control = opaque;
	const uint64_t now = monotonic_ns();
	struct client *client;

	control->timer_at = UINT64_MAX;
	if (control->deaf) {
		control->deaf = false;
		evloop_mod(control->loop, control->sock.fd, EPOLLIN);
	}
	for (client = control->clients; client; client = client->next) {
		uint64_t due = client->since + control->stall_ns;

		if (client->dead || !has_output(client))
			continue;
		if (due <= now)
			drop(client, "it does not read what it asked for");
		else
			arm_timer(control, due - now);
	}
	sweep(control);
}

/* --- events ----------------------------------------------------------------*/

/* Takes @data over. */
static void broadcast(struct control *control, const char *name, json_t *data)
{
	struct client *client;
	json_t *event;

	event = qmp_event(name, data);
	control->busy++;
	for (client = control->clients; event && client;
	     client = client->next) {
		if (client->dead || !client->negotiated)
			continue;
		if (client->end - client->sent > MAX_EVENTS)
			drop(client, "it does not read the events");
		else
			send_json(client, json_incref(event));
		update_watch(client);
	}
	control->busy--;
	json_decref(event);
	sweep(control);
}

static bool has_clients(const struct control *control)
{
	return control && control->clients;
}

void control_event(struct control *control, const char *name)
{
	if (has_clients(control))
		broadcast(control, name, NULL);
}

void control_event_cause(struct control *control, const char *name, bool guest,
			 const char *reason)
{
	if (has_clients(control))
		broadcast(control, name,
			  json_pack("{s:b, s:s}", "guest", guest, "reason",
				    reason));
}

void control_event_balloon(struct control *control, uint64_t actual)
{
	if (has_clients(control))
		broadcast(control, "BALLOON_CHANGE",
			  json_pack("{s:I}", "actual", (json_int_t)actual));
}

/* --- open, close -----------------------------------------------------------*/

int control_open(const struct control_config *config, struct control **out,
		 struct error *err)
{
	const unsigned int stall = config->stall_ms ? config->stall_ms
						    : STALL_MS;
	struct control *control;
	int ret;

	*out = NULL;
	control = calloc(1, sizeof(*control));
	if (!control)
		return error_set(err, TL_FAIL, ENOMEM,
				 "no memory for the control socket");
	control->loop = config->loop;
	control->sock.fd = -1;
	control->timer_at = UINT64_MAX;
	control->stall_ns = stall * NS_PER_MS;
	control->name = strdup(config->name);
	if (!control->name) {
		ret = error_set(err, TL_FAIL, ENOMEM,
				"no memory for the control socket");
		goto free_control;
	}
	control->target = (struct control_target){
		.name = control->name,
		.ops = config->ops,
		.opaque = config->opaque,
	};
	control->timer =
		evloop_timer_new(control->loop, timer_due, control, err);
	if (!control->timer) {
		ret = err ? -err->errnum : -ENOMEM;
		goto free_control;
	}
	ret = control_socket_claim(config->name, config->path, &control->sock,
				   err);
	if (ret)
		goto free_timer;
	ret = evloop_add(control->loop, control->sock.fd, EPOLLIN, accept_ready,
			 control, err);
	if (ret)
		goto release;
	*out = control;
	return 0;

release:
	unix_unlisten(&control->sock);
free_timer:
	evloop_timer_free(control->timer);
free_control:
	free(control->name);
	free(control);
	return ret;
}

const char *control_path(const struct control *control)
{
	return control->sock.path;
}

void control_close(struct control *control)
{
	struct client *client;

	if (!control)
		return;
	evloop_del(control->loop, control->sock.fd);
	/* The name first: who sees the connection end may take it at once. */
	unix_unlisten(&control->sock);
	for (client = control->clients; client; client = client->next)
		drop(client, NULL);
	sweep(control);
	evloop_timer_free(control->timer);
	free(control->name);
	free(control);
}
