/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of a made-up file system, such as debugfs, for tests. */
#ifndef TESTS_FAKE_TREE_H
#define TESTS_FAKE_TREE_H

/* Make @root/@name with @text in it, and the directories that it is in. */
void fake_tree_file(const char *root, const char *name, const char *text);

#endif
