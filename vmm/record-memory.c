// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "record-memory.h"

/* Devicetree Specification 0.4, 5.2 */
#define FDT_MAGIC 0xd00dfeed
#define FDT_MIN   64
#define FDT_MAX   (2u << 20)

/* /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst) */
#define PAGE_PRESENT (UINT64_C(1) << 63)

/*
 * Device trees begin at a page, as guest's do, or behind malloc's header of a
 * large block, as VMMs' own do.
 */
#define MALLOC_HEADER 16
#define LOOK          (MALLOC_HEADER + 8)

/*
 * Where the kernel does not tell which pages are there (without
 * CONFIG_PROC_PAGE_MONITOR) guest memory cannot be looked at without bringing
 * pages in; a VMM's own tree is in a smaller piece.
 */
#define BLIND_MAX (16u << 20)

/* Pages at a time, and in all: 64 GiB of 4 KiB. */
#define BATCH     512
#define PAGES_MAX (UINT64_C(1) << 24)

struct search {
	pid_t pid;
	int pagemap; /* < 0: there is none */
	int mem;     /* /proc/PID/mem, for kernels without process_vm_readv() */
	size_t page_size;
	uint64_t pages; /* looked at */
	struct fdt_map *best, *map;
	bool found;
	uint8_t *blob; /* FDT_MAX bytes */
};

static void try_at(struct search *search, uint64_t address, size_t size)
{
	if (pread(search->mem, search->blob, size, (off_t)address) !=
		    (ssize_t)size ||
	    fdt_map_read(search->blob, size, search->map))
		return;
	if (search->found && search->map->nr_devs <= search->best->nr_devs)
		return;
	*search->best = *search->map;
	search->found = true;
}

static uint32_t word_at(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return be32toh(word);
}

static void look_at(struct search *search, uint64_t address,
		    const uint8_t *head)
{
	for (unsigned int offset = 0; offset <= MALLOC_HEADER;
	     offset += MALLOC_HEADER) {
		const uint32_t size = word_at(head + offset + 4);

		if (word_at(head + offset) == FDT_MAGIC && size >= FDT_MIN &&
		    size <= FDT_MAX)
			try_at(search, address + offset, size);
	}
}

static void read_one_by_one(struct search *search, const uint64_t *address,
			    unsigned int nr)
{
	uint8_t head[LOOK];

	for (unsigned int i = 0; i < nr; i++)
		if (pread(search->mem, head, LOOK, (off_t)address[i]) == LOOK)
			look_at(search, address[i], head);
}

/* The beginnings of @nr pages; one that is gone ends the call early. */
static void read_heads(struct search *search, const uint64_t *address,
		       unsigned int nr)
{
	uint8_t head[BATCH][LOOK];
	struct iovec remote[BATCH];
	unsigned int done = 0, i;

	for (i = 0; i < nr; i++)
		remote[i] =
			(struct iovec){ (void *)(uintptr_t)address[i], LOOK };
	while (done < nr) {
		struct iovec local = { head[done], (nr - done) * LOOK };
		ssize_t n = process_vm_readv(search->pid, &local, 1,
					     &remote[done], nr - done, 0);
		const unsigned int got = n > 0 ? (unsigned int)(n / LOOK) : 0;

		if (n < 0 && errno == ENOSYS) {
			read_one_by_one(search, address, nr);
			return;
		}
		for (i = done; i < done + got; i++)
			look_at(search, address[i], head[i]);
		/* and the one that could not be read */
		done += got + 1;
	}
}

/* Which of @nr pages are there; how many of them that is known of. */
static size_t are_present(const struct search *search, uint64_t from,
			  uint64_t *entry, size_t nr)
{
	ssize_t n;

	if (search->pagemap < 0) {
		for (size_t i = 0; i < nr; i++)
			entry[i] = PAGE_PRESENT;
		return nr;
	}
	n = pread(search->pagemap, entry, nr * sizeof(*entry),
		  (off_t)(from / search->page_size * sizeof(*entry)));
	return n > 0 ? (size_t)n / sizeof(*entry) : 0;
}

static void look_through(struct search *search, uint64_t from, uint64_t to)
{
	uint64_t entry[BATCH], address[BATCH];

	while (from < to && search->pages < PAGES_MAX) {
		uint64_t left = (to - from) / search->page_size;
		size_t want = left < BATCH ? (size_t)left : BATCH;
		unsigned int nr = 0;

		want = are_present(search, from, entry, want);
		if (!want)
			return;
		for (size_t i = 0; i < want; i++)
			if (entry[i] & PAGE_PRESENT)
				address[nr++] = from + i * search->page_size;
		read_heads(search, address, nr);
		from += want * search->page_size;
		search->pages += want;
	}
}

/* All that can be written and is no file's: guest memory and the heap. */
static int walk_maps(struct search *search)
{
	char path[64], line[512], perms[8];
	uint64_t from, to;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)search->pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (fgets(line, sizeof(line), maps)) {
		const char *file = strchr(line, '/');

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to,
			   perms) != 3 ||
		    strncmp(perms, "rw", 2) || strstr(line, "[stack]"))
			continue;
		/* memory of a memfd, of /dev/shm or hugetlbfs is a guest's */
		if (file && !strstr(file, "memfd:") && perms[3] != 's')
			continue;
		if (search->pagemap >= 0 || to - from <= BLIND_MAX)
			look_through(search, from, to);
	}
	fclose(maps);
	return 0;
}

int record_memory_find(pid_t pid, struct fdt_map *map)
{
	struct search search = {
		.pid = pid,
		.page_size = (size_t)sysconf(_SC_PAGESIZE),
		.best = map,
	};
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	search.mem = open(path, O_RDONLY | O_CLOEXEC);
	if (search.mem < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	search.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	search.blob = malloc(FDT_MAX);
	search.map = malloc(sizeof(*search.map));
	ret = search.blob && search.map ? walk_maps(&search) : -ENOMEM;
	free(search.map);
	free(search.blob);
	if (search.pagemap >= 0)
		close(search.pagemap);
	close(search.mem);
	if (!ret && !search.found)
		ret = -ENOENT;
	return ret;
}
