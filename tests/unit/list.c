// SPDX-License-Identifier: Apache-2.0
#include "lib/list.h"

#include "tests/unit/check.h"

struct item {
	int value;
	struct list_head link;
	struct hlist_node hash;
};

static int sum_in_order(struct list_head *head)
{
	struct item *item;
	int sum = 0;

	list_for_each_entry(item, head, link)
		sum = sum * 10 + item->value;
	return sum;
}

int main(void)
{
	struct item items[6] = { 0 };
	LIST_HEAD(a);
	LIST_HEAD(b);

	CHECK(list_empty(&a));
	CHECK(list_first_entry_or_null(&a, struct item, link) == NULL);
	for (int i = 0; i < 6; i++) {
		items[i].value = i + 1;
		list_add_tail(&items[i].link, i < 3 ? &a : &b);
	}
	CHECK(sum_in_order(&a) == 123 && sum_in_order(&b) == 456);
	CHECK(list_first_entry(&a, struct item, link)->value == 1 && list_last_entry(&a, struct item, link)->value == 3);
	list_move(&items[4].link, &a);
	CHECK(sum_in_order(&a) == 5123 && sum_in_order(&b) == 46);
	list_splice_tail(&b, &a);
	CHECK(list_empty(&b) && sum_in_order(&a) == 512346);
	list_splice_tail(&b, &a);
	CHECK(sum_in_order(&a) == 512346);
	list_del(&items[0].link);
	list_del(&items[0].link);
	CHECK(sum_in_order(&a) == 52346);
	struct item *item, *next;
	list_for_each_entry_safe(item, next, &a, link) {
		if (item->value % 2 == 0)
			list_del(&item->link);
	}
	CHECK(sum_in_order(&a) == 53);
	list_move_tail(&items[4].link, &a);
	CHECK(sum_in_order(&a) == 35);

	struct hlist_head chain = { NULL };
	for (int i = 0; i < 3; i++)
		hlist_add(&items[i].hash, &chain);
	hlist_del(&items[1].hash);
	CHECK(hlist_unhashed(&items[1].hash));
	hlist_del(&items[1].hash);
	int sum = 0;
	hlist_for_each_entry(item, &chain, hash)
		sum = sum * 10 + item->value;
	CHECK(sum == 31);
	hlist_del(&items[2].hash);
	hlist_del(&items[0].hash);
	CHECK(chain.first == NULL);
	return 0;
}
