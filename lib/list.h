/* SPDX-License-Identifier: Apache-2.0 */
/* Circular doubly linked lists with the links inside the objects, and hash chains (hlist). */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define container_of(ptr, type, member)                                                            \
	({                                                                                         \
		const __typeof__(((type *)0)->member) *_member = (ptr);                            \
		(type *)((char *)_member - offsetof(type, member));                                \
	})

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void list_init(struct list_head *head) { head->next = head->prev = head; }
static inline bool list_empty(const struct list_head *head) { return head->next == head; }

static inline void list_insert_between(struct list_head *node, struct list_head *prev, struct list_head *next)
{
	next->prev = node;
	node->next = next;
	node->prev = prev;
	prev->next = node;
}

/* First in the list / last in the list. */
static inline void list_add(struct list_head *node, struct list_head *head) { list_insert_between(node, head, head->next); }
static inline void list_add_tail(struct list_head *node, struct list_head *head) { list_insert_between(node, head->prev, head); }

/* Unlinks and leaves the node as an empty list, so that a second list_del is harmless. */
static inline void list_del(struct list_head *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

static inline void list_move_tail(struct list_head *node, struct list_head *head)
{
	list_del(node);
	list_add_tail(node, head);
}

static inline void list_move(struct list_head *node, struct list_head *head)
{
	list_del(node);
	list_add(node, head);
}

/* Moves everything in `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_splice_tail(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) (list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_for_each(pos, head) for (struct list_head *pos = (head)->next; pos != (head); pos = pos->next)
#define list_for_each_entry(pos, head, member)                                                     \
	for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head);     \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))
/* The current node may be unlinked or freed in the body. */
#define list_for_each_entry_safe(pos, tmp, head, member)                                           \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),                             \
	    tmp = list_entry(pos->member.next, __typeof__(*pos), member);                          \
	     &pos->member != (head); pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))

struct hlist_node {
	struct hlist_node *next, **link;
};
struct hlist_head {
	struct hlist_node *first;
};

static inline bool hlist_unhashed(const struct hlist_node *node) { return !node->link; }

static inline void hlist_add(struct hlist_node *node, struct hlist_head *head)
{
	node->next = head->first;
	if (head->first)
		head->first->link = &node->next;
	head->first = node;
	node->link = &head->first;
}

static inline void hlist_del(struct hlist_node *node)
{
	if (!node->link)
		return;
	*node->link = node->next;
	if (node->next)
		node->next->link = node->link;
	node->next = NULL;
	node->link = NULL;
}

#define hlist_entry_or_null(ptr, type, member)                                                     \
	({                                                                                         \
		struct hlist_node *_node = (ptr);                                                  \
		_node ? container_of(_node, type, member) : NULL;                                  \
	})
#define hlist_for_each_entry(pos, head, member)                                                    \
	for (pos = hlist_entry_or_null((head)->first, __typeof__(*pos), member); pos;              \
	     pos = hlist_entry_or_null(pos->member.next, __typeof__(*pos), member))

#endif
