// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "control-socket.h"
#include "lib/clock.h"

/* A VM whose event loop is alive answers at once. */
#define PATIENCE_MS 5000
/* One that loads a guest accepts nobody for a while. */
#define RETRY_MS 10

/* The statistics of many vCPUs are long. */
#define MAX_MESSAGE (16 << 20)

/* Until @fd is ready for @events; -ETIMEDOUT at @deadline. */
static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t left = deadline - monotonic_ms();
	int n;

	if (left <= 0)
		return -ETIMEDOUT;
	n = poll(&pfd, 1, (int)left);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n ? 0 : -ETIMEDOUT;
}

static int send_all(int fd, const char *text, size_t len, int64_t deadline)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		int ret;

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		ret = wait_for(fd, POLLOUT, deadline);
		if (ret)
			return ret;
	}
	return 0;
}

/* Read some; -ECONNRESET at the end. */
static int receive(struct client_session *session, int64_t deadline)
{
	size_t len = 65536;
	char *room = qmp_reader_room(&session->in, &len);
	ssize_t n;

	if (!room)
		return -ENOMEM;
	n = recv(session->fd, room, len, 0);
	if (n > 0) {
		qmp_reader_filled(&session->in, (size_t)n);
		return 0;
	}
	if (n == 0)
		return -ECONNRESET;
	if (errno != EAGAIN && errno != EINTR)
		return -errno;
	return wait_for(session->fd, POLLIN, deadline);
}

/* The next message that has member @key; others, such as events, are lost. */
static int get_message(struct client_session *session, const char *key,
		       const char *or_key, json_t **message)
{
	const int64_t deadline = monotonic_ms() + PATIENCE_MS;
	const char *text;
	size_t len;
	int ret;

	for (;;) {
		switch (qmp_reader_next(&session->in, &text, &len)) {
		case QMP_MESSAGE:
			*message = json_loadb(text, len, 0, NULL);
			if (!*message)
				return -EPROTO;
			if (json_object_get(*message, key) ||
			    json_object_get(*message, or_key))
				return 0;
			json_decref(*message);
			*message = NULL;
			break;
		case QMP_NONE:
			ret = receive(session, deadline);
			if (ret)
				return ret;
			break;
		default:
			return -EPROTO;
		}
	}
}

static int say(struct client_session *session, struct error *err, int ret)
{
	switch (ret) {
	case -ETIMEDOUT:
		return error_set(err, TL_FAIL, ETIMEDOUT,
				 "%s does not answer (process %ld): is it "
				 "stopped?",
				 session->what, (long)session->pid);
	case -ECONNRESET:
	case -EPIPE:
		return error_set(err, TL_FAIL, -ret,
				 "%s ended before it answered", session->what);
	case -EPROTO:
		return error_set(err, TL_FAIL, EPROTO, "%s does not speak QMP",
				 session->what);
	default:
		return error_set(err, TL_FAIL, -ret, "%s: %s", session->what,
				 strerror(-ret));
	}
}

json_t *client_execute(struct client_session *session, const char *command,
		       json_t *args, struct error *err)
{
	json_t *request = json_pack("{s:s}", "execute", command);
	json_t *reply = NULL, *value;
	char *text;
	int ret;

	if (args)
		json_object_set_new(request, "arguments", args);
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	ret = text ? send_all(session->fd, text, strlen(text),
			      monotonic_ms() + PATIENCE_MS)
		   : -ENOMEM;
	free(text);
	if (!ret)
		ret = get_message(session, "return", "error", &reply);
	if (ret) {
		say(session, err, ret);
		return NULL;
	}
	value = json_incref(json_object_get(reply, "return"));
	if (!value) {
		json_t *error = json_object_get(reply, "error");
		const char *desc =
			json_string_value(json_object_get(error, "desc"));

		error_set(err, TL_FAIL, EIO, "%s: %s", session->what,
			  desc ? desc : "an error without a description");
	}
	json_decref(reply);
	return value;
}

static int negotiate(struct client_session *session, struct error *err)
{
	json_t *greeting, *value;
	int ret;

	ret = get_message(session, "QMP", "error", &greeting);
	if (ret)
		return say(session, err, ret);
	if (!json_object_get(greeting, "QMP"))
		ret = -EBUSY;
	json_decref(greeting);
	if (ret)
		return error_set(err, TL_FAIL, EBUSY, "%s has too many clients",
				 session->what);
	value = client_execute(session, "qmp_capabilities", NULL, err);
	if (!value)
		return -EPROTO;
	json_decref(value);
	return 0;
}

/* -EAGAIN if so many wait to be accepted, and for so long. */
static int connect_patiently(const char *path)
{
	const int64_t deadline = monotonic_ms() + PATIENCE_MS;
	int fd;

	while ((fd = unix_connect(path)) == -EAGAIN &&
	       monotonic_ms() < deadline)
		poll(NULL, 0, RETRY_MS);
	return fd;
}

int client_open(const char *path, struct client_session *session,
		struct error *err)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	int ret;

	*session = (struct client_session){ .fd = -1 };
	strncpy(session->what, path, sizeof(session->what) - 1);
	qmp_reader_init(&session->in, MAX_MESSAGE);
	session->fd = connect_patiently(path);
	if (session->fd == -ECONNREFUSED || session->fd == -ENOENT)
		return session->fd;
	if (session->fd == -EAGAIN)
		return error_set(err, TL_FAIL, EAGAIN,
				 "%s does not answer: is it stopped?", path);
	if (session->fd < 0)
		return error_set(err, TL_FAIL, -session->fd,
				 "cannot connect to %s: %s", path,
				 strerror(-session->fd));
	if (!getsockopt(session->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		session->pid = peer.pid;
	ret = negotiate(session, err);
	if (ret) {
		const pid_t pid = session->pid;

		client_close(session);
		session->pid = pid;
	}
	return ret;
}

int client_wait_end(struct client_session *session, unsigned int seconds)
{
	const int64_t deadline = monotonic_ms() + seconds * INT64_C(1000);
	char rest[512];

	for (;;) {
		ssize_t n = recv(session->fd, rest, sizeof(rest), 0);
		int ret;

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return 0;
		if (n > 0)
			continue;
		ret = wait_for(session->fd, POLLIN, deadline);
		if (ret)
			return ret;
	}
}

void client_close(struct client_session *session)
{
	if (session->fd >= 0)
		close(session->fd);
	session->fd = -1;
	qmp_reader_free(&session->in);
}
