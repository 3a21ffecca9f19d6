// SPDX-License-Identifier: Apache-2.0
/* Red-black trees, after Cormen, Leiserson, Rivest and Stein: Introduction to Algorithms, chapter 13. */
#include "lib/rbtree.h"

static bool is_red(const struct rb_node *node)
{
	return node && node->red;
}

static void replace_child(struct rb_root *root, struct rb_node *parent, struct rb_node *old, struct rb_node *new)
{
	if (!parent)
		root->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

static void rotate_left(struct rb_root *root, struct rb_node *x)
{
	struct rb_node *y = x->right;

	x->right = y->left;
	if (y->left)
		y->left->parent = x;
	replace_child(root, x->parent, x, y);
	y->left = x;
	x->parent = y;
}

static void rotate_right(struct rb_root *root, struct rb_node *x)
{
	struct rb_node *y = x->left;

	x->left = y->right;
	if (y->right)
		y->right->parent = x;
	replace_child(root, x->parent, x, y);
	y->right = x;
	x->parent = y;
}

void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	struct rb_node *z = node;

	if (link == &root->node || (parent == root->leftmost && link == &parent->left))
		root->leftmost = node;
	node->parent = parent;
	node->left = node->right = NULL;
	node->red = true;
	*link = node;

	while (is_red(z->parent)) {
		struct rb_node *grandparent = z->parent->parent;
		bool left = z->parent == grandparent->left;
		struct rb_node *uncle = left ? grandparent->right : grandparent->left;

		if (is_red(uncle)) {
			z->parent->red = uncle->red = false;
			grandparent->red = true;
			z = grandparent;
			continue;
		}
		if (left) {
			if (z == z->parent->right) {
				z = z->parent;
				rotate_left(root, z);
			}
			z->parent->red = false;
			grandparent->red = true;
			rotate_right(root, grandparent);
		} else {
			if (z == z->parent->left) {
				z = z->parent;
				rotate_right(root, z);
			}
			z->parent->red = false;
			grandparent->red = true;
			rotate_left(root, grandparent);
		}
	}
	root->node->red = false;
}

void rb_add(struct rb_root *root, struct rb_node *node, bool (*less)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node *parent = NULL, **link = &root->node;

	while (*link) {
		parent = *link;
		link = less(node, parent) ? &parent->left : &parent->right;
	}
	rb_insert(root, node, parent, link);
}

/* `x` (may be NULL) stands below `parent` and carries one black too few. */
static void erase_fixup(struct rb_root *root, struct rb_node *x, struct rb_node *parent)
{
	while (x != root->node && !is_red(x)) {
		bool left = x == parent->left;
		struct rb_node *w = left ? parent->right : parent->left;

		if (w->red) {
			w->red = false;
			parent->red = true;
			if (left)
				rotate_left(root, parent);
			else
				rotate_right(root, parent);
			w = left ? parent->right : parent->left;
		}
		if (!is_red(w->left) && !is_red(w->right)) {
			w->red = true;
			x = parent;
			parent = x->parent;
			continue;
		}
		if (left) {
			if (!is_red(w->right)) {
				w->left->red = false;
				w->red = true;
				rotate_right(root, w);
				w = parent->right;
			}
			w->red = parent->red;
			parent->red = w->right->red = false;
			rotate_left(root, parent);
		} else {
			if (!is_red(w->left)) {
				w->right->red = false;
				w->red = true;
				rotate_left(root, w);
				w = parent->left;
			}
			w->red = parent->red;
			parent->red = w->left->red = false;
			rotate_right(root, parent);
		}
		x = root->node;
	}
	if (x)
		x->red = false;
}

void rb_erase(struct rb_root *root, struct rb_node *z)
{
	struct rb_node *x, *parent;
	bool removed_black;

	if (root->leftmost == z)
		root->leftmost = rb_next(z);

	if (z->left && z->right) {
		struct rb_node *y = z->right;

		while (y->left)
			y = y->left;
		removed_black = !y->red;
		x = y->right;
		if (y->parent == z) {
			parent = y;
		} else {
			parent = y->parent;
			replace_child(root, y->parent, y, x);
			y->right = z->right;
			y->right->parent = y;
		}
		replace_child(root, z->parent, z, y);
		y->left = z->left;
		y->left->parent = y;
		y->red = z->red;
	} else {
		x = z->left ? z->left : z->right;
		parent = z->parent;
		removed_black = !z->red;
		replace_child(root, parent, z, x);
	}
	if (removed_black && root->node)
		erase_fixup(root, x, parent);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *node = root->node;

	while (node && node->right)
		node = node->right;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->right) {
		node = node->right;
		while (node->left)
			node = node->left;
		return (struct rb_node *)node;
	}
	while (node->parent && node == node->parent->right)
		node = node->parent;
	return node->parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	if (node->left) {
		node = node->left;
		while (node->right)
			node = node->right;
		return (struct rb_node *)node;
	}
	while (node->parent && node == node->parent->left)
		node = node->parent;
	return node->parent;
}
