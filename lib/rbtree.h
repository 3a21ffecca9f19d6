/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Red-black trees with the links inside the objects. The caller walks down to find the place, links
 * the node there and calls rb_insert; or uses rb_add with an ordering function.
 * Insert, erase, first, next are O(log n); rb_first is O(1) through the cached leftmost node.
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/list.h"

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};

struct rb_root {
	struct rb_node *node;
	struct rb_node *leftmost;
};

#define RB_ROOT { NULL, NULL }
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_or_null(ptr, type, member)                                                        \
	({                                                                                         \
		struct rb_node *_rb = (ptr);                                                       \
		_rb ? container_of(_rb, type, member) : NULL;                                      \
	})

static inline bool rb_empty(const struct rb_root *root) { return !root->node; }
static inline struct rb_node *rb_first(const struct rb_root *root) { return root->leftmost; }
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/* Links `node` below `parent` at `*link` (&parent->left, &parent->right or &root->node) and rebalances. */
void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent, struct rb_node **link);
void rb_erase(struct rb_root *root, struct rb_node *node);

/* Inserts after all nodes that are not greater: equal keys keep their order of insertion. */
void rb_add(struct rb_root *root, struct rb_node *node, bool (*less)(const struct rb_node *, const struct rb_node *));

#endif
