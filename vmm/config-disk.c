// SPDX-License-Identifier: GPL-2.0-only
#include "config-disk.h"

#include <errno.h>
#include <string.h>

#define bad(err, fmt, ...) \
	error_set(err, TL_USAGE, EINVAL, "option -d: " fmt, __VA_ARGS__)

struct parser {
	struct disk_options *disk;
	bool read_write; /* lkvm's rw, said aloud */
	struct error *err;
};

static int parse_flag(bool *flag)
{
	*flag = true;
	return 1;
}

static int parse_queues(struct parser *p, const char *val)
{
	unsigned int n = 0;

	if (strlen(val) == 1 && *val >= '1' && *val <= '9')
		n = (unsigned int)(*val - '0');
	if (n < 1 || n > CONFIG_MAX_DISK_QUEUES)
		return bad(p->err, "queues=%.40s: a number from 1 to %d", val,
			   CONFIG_MAX_DISK_QUEUES);
	p->disk->queues = n;
	return 1;
}

/* The guest's udev makes a file name of it. */
static int parse_id(struct parser *p, const char *val)
{
	size_t i, len = strlen(val);

	for (i = 0; i < len && val[i] > ' ' && val[i] <= '~'; i++)
		;
	if (len < 1 || len > DISK_ID_BYTES || i < len)
		return bad(p->err,
			   "id=%.40s: 1 to %d ASCII characters, none of them "
			   "a space",
			   val, DISK_ID_BYTES);
	p->disk->id = val;
	return 1;
}

static int parse_overlay(struct parser *p, const char *val)
{
	if (!*val)
		return bad(p->err, "%s", "overlay= needs the name of a file");
	p->disk->overlay = val;
	return 1;
}

/* 1 for an option, 0 for anything else, -EINVAL for an option's bad value. */
static int parse_word(struct parser *p, const char *word)
{
	if (!strcmp(word, "ro"))
		return parse_flag(&p->disk->read_only);
	if (!strcmp(word, "rw"))
		return parse_flag(&p->read_write);
	if (!strcmp(word, "snapshot"))
		return parse_flag(&p->disk->snapshot);
	if (!strcmp(word, "direct"))
		return parse_flag(&p->disk->direct);
	if (!strncmp(word, "queues=", 7))
		return parse_queues(p, word + 7);
	if (!strncmp(word, "id=", 3))
		return parse_id(p, word + 3);
	if (!strncmp(word, "overlay=", 8))
		return parse_overlay(p, word + 8);
	return 0;
}

int config_parse_disk(char *arg, struct run_config *cfg, struct error *err)
{
	struct parser p = { .disk = &cfg->disk[cfg->nr_disks], .err = err };
	char *comma;
	int ret = 1;

	if (cfg->nr_disks == CONFIG_MAX_DISKS)
		return bad(err, "'%.200s' is one too many: at most %d", arg,
			   CONFIG_MAX_DISKS);
	*p.disk = (struct disk_options){ .path = arg, .queues = 1 };
	while (ret > 0 && (comma = strrchr(arg, ','))) {
		ret = parse_word(&p, comma + 1);
		if (ret > 0)
			*comma = '\0';
	}
	if (ret < 0)
		return ret;
	if (!*arg)
		return error_set(err, TL_USAGE, EINVAL,
				 "option -d needs the name of a disk image");
	if (p.disk->read_only && p.read_write)
		return bad(err, "'%.200s': both ro and rw", arg);
	if (p.disk->read_only && p.disk->snapshot)
		return bad(err,
			   "'%.200s': nothing is written with ro; leave it or "
			   "snapshot out",
			   arg);
	cfg->nr_disks++;
	return 0;
}
