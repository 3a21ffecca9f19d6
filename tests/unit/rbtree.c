// SPDX-License-Identifier: Apache-2.0
// sources: lib/rbtree.c
#include "lib/rbtree.h"

#include <string.h>

#include "tests/unit/check.h"

#define N 2000

struct item {
	struct rb_node node;
	int key, order;
};

static bool less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, node)->key < rb_entry(b, struct item, node)->key;
}

/* Black height, or the end of the program: red nodes have black children, all paths are equally black. */
static int check_node(const struct rb_node *node, const struct rb_node *parent)
{
	if (!node)
		return 1;
	CHECK(node->parent == parent);
	CHECK(!(node->red && parent && parent->red));
	int left = check_node(node->left, node), right = check_node(node->right, node);
	CHECK(left == right);
	return left + !node->red;
}

static void check_tree(struct rb_root *root, int count)
{
	const struct rb_node *last = NULL;
	int n = 0;

	CHECK(!root->node || !root->node->red);
	check_node(root->node, NULL);
	for (struct rb_node *node = rb_first(root); node; node = rb_next(node), n++) {
		CHECK(rb_prev(node) == last);
		if (last) {
			const struct item *a = rb_entry(last, struct item, node), *b = rb_entry(node, struct item, node);
			CHECK(a->key < b->key || (a->key == b->key && a->order < b->order));
		}
		last = node;
	}
	CHECK(n == count);
	CHECK(rb_last(root) == last);
}

int main(void)
{
	static struct item items[N];
	static bool in[N];
	struct rb_root root = RB_ROOT;
	unsigned seed = 1;
	int count = 0, order = 0;

	CHECK(rb_empty(&root) && !rb_first(&root) && !rb_last(&root));
	for (int step = 0; step < 40000; step++) {
		seed = seed * 1103515245 + 12345;
		int i = (int)(seed >> 8) % N;
		if (in[i]) {
			rb_erase(&root, &items[i].node);
			count--;
		} else {
			items[i].key = (int)(seed >> 4) % 300;
			items[i].order = order++;
			rb_add(&root, &items[i].node, less);
			count++;
		}
		in[i] = !in[i];
		if (step % 500 == 0)
			check_tree(&root, count);
	}
	for (int i = 0; i < N; i++) {
		if (in[i]) {
			rb_erase(&root, &items[i].node);
			count--;
		}
	}
	check_tree(&root, 0);
	CHECK(rb_empty(&root));
	return 0;
}
