// SPDX-License-Identifier: GPL-2.0-only
#include "core/gmem-huge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include <linux/mman.h>

/* What mmap() gives without a size: "Hugepagesize" in proc_meminfo(5). */
static uint64_t usual_page(void)
{
	char line[128];
	uint64_t kib = 0;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Hugepagesize: %" SCNu64, &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib << 10;
}

static int check_size(uint64_t size, uint64_t page, struct error *err)
{
	if (!page || page & (page - 1))
		return error_set(err, TL_MEMORY, EINVAL,
				 "this host has no huge pages of that size: "
				 "ls /sys/kernel/mm/hugepages shows which");
	if (size % page)
		return error_set(err, TL_MEMORY, EINVAL,
				 "%" PRIu64 " MiB of guest memory are no whole "
				 "number of huge pages of %" PRIu64
				 " KiB: give another size (-m)",
				 size >> 20, page >> 10);
	if (size > SIZE_MAX)
		return error_set(err, TL_MEMORY, ENOMEM,
				 "%" PRIu64
				 " MiB of guest memory are more than "
				 "this host's address space",
				 size >> 20);
	return 0;
}

/* A file without a name on the hugetlbfs at @dir; its page size too. */
static int open_file(const char *dir, uint64_t *page, struct error *err)
{
	char path[PATH_MAX];
	struct statfs fs;
	int fd;

	if (statfs(dir, &fs) < 0)
		return error_set(err, TL_MEMORY, errno, "hugetlbfs %s: %s", dir,
				 strerror(errno));
	if ((unsigned long)fs.f_type != HUGETLBFS_MAGIC)
		return error_set(err, TL_MEMORY, EINVAL,
				 "%s is no hugetlbfs: mount -t hugetlbfs none "
				 "%s",
				 dir, dir);
	if (snprintf(path, sizeof(path), "%s/trapline-XXXXXX", dir) >=
	    (int)sizeof(path))
		return error_set(err, TL_MEMORY, ENAMETOOLONG,
				 "hugetlbfs %s: "
				 "%s",
				 dir, strerror(ENAMETOOLONG));
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return error_set(err, TL_MEMORY, errno,
				 "cannot make a file in %s: %s", dir,
				 strerror(errno));
	unlink(path);
	*page = (unsigned long)fs.f_bsize;
	return fd;
}

/* @fd -1: no file. */
static void *map(int fd, size_t size, uint64_t page)
{
	const int prot = PROT_READ | PROT_WRITE;
	/* Signed it would not hold the 34 of 16 GiB. */
	const unsigned int bits = (unsigned int)__builtin_ctzll(page);

	if (fd >= 0)
		return mmap(NULL, size, prot, MAP_SHARED, fd, 0);
	return mmap(NULL, size, prot,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
			    (int)(bits << MAP_HUGE_SHIFT),
		    -1, 0);
}

int gmem_add_huge_ram(struct gmem *gm, uint64_t gpa, uint64_t size,
		      const struct gmem_huge *huge, struct error *err)
{
	uint64_t page = huge->page ? huge->page : usual_page();
	void *hva = MAP_FAILED;
	int fd = -1, ret;

	if (huge->dir) {
		fd = open_file(huge->dir, &page, err);
		if (fd < 0)
			return fd;
	}
	ret = check_size(size, page, err);
	if (!ret) {
		/* The host sets all of them aside now, or says no. */
		hva = map(fd, (size_t)size, page);
		if (hva == MAP_FAILED && errno == EINVAL)
			ret = check_size(size, 0, err);
		else if (hva == MAP_FAILED)
			ret = error_set(
				err, TL_MEMORY, errno,
				"%" PRIu64 " huge pages of %" PRIu64
				" KiB are not to be had: %s; set them aside in "
				"/sys/kernel/mm/hugepages/hugepages-%" PRIu64
				"kB/nr_hugepages",
				size / page, page >> 10, strerror(errno),
				page >> 10);
	}
	if (fd >= 0)
		close(fd);
	if (ret)
		return ret;
	madvise(hva, (size_t)size, MADV_DONTDUMP);
	madvise(hva, (size_t)size, MADV_DONTFORK);
	ret = gmem_add_mapping(gm, gpa, size, hva, err);
	if (ret)
		munmap(hva, (size_t)size);
	return ret;
}
