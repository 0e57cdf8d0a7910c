// SPDX-License-Identifier: GPL-2.0-only
/*
 * A name server for tests: answers every query for an A record with one
 * address (RFC 1035).  usage: dns-stub LISTEN-ADDRESS ANSWER
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER  12
#define QTYPE_A 1

/* Length of the question at @q, 0 if it does not end within @len. */
static size_t question(const uint8_t *q, size_t len)
{
	size_t i = 0;

	while (i < len && q[i])
		i += q[i] + 1;
	return i + 5 <= len ? i + 5 : 0;
}

int main(int argc, char **argv)
{
	/* A pointer to the name, type A, class IN, 60 seconds, 4 bytes. */
	static const uint8_t answer[] = { 0xc0, HEADER, 0, QTYPE_A, 0, 1,
					  0,    0,      0, 60,      0, 4 };
	struct sockaddr_in self = { .sin_family = AF_INET,
				    .sin_port = htons(53) };
	struct sockaddr_in peer;
	struct in_addr addr;
	uint8_t msg[512 + sizeof(answer) + 4];
	size_t len;
	int fd;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &self.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[2], &addr) != 1) {
		fprintf(stderr, "usage: dns-stub LISTEN-ADDRESS ANSWER\n");
		return 2;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0) {
		perror("dns-stub");
		return 1;
	}
	for (;;) {
		socklen_t size = sizeof(peer);
		ssize_t n = recvfrom(fd, msg, 512, 0, (struct sockaddr *)&peer,
				     &size);

		if (n < HEADER)
			continue;
		len = question(msg + HEADER, n - HEADER);
		if (!len)
			continue;
		msg[2] |= 0x80; /* a response, */
		msg[3] = 0x80;  /* no error */
		memset(msg + 6, 0, 6);
		len += HEADER;
		if (msg[len - 3] == QTYPE_A) {
			msg[7] = 1;
			memcpy(msg + len, answer, sizeof(answer));
			memcpy(msg + len + sizeof(answer), &addr, 4);
			len += sizeof(answer) + 4;
		}
		sendto(fd, msg, len, 0, (struct sockaddr *)&peer, size);
	}
}
