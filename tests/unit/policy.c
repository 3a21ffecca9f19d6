/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/network/policy.c runtime/network/address.c runtime/network/config.c runtime/error.c
// flags: -D_GNU_SOURCE
/* Which destinations rules let out, which addresses they never do by accident, and what the options mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/network/config.h"

static struct policy policy;

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static bool is_own(void *context, const struct address *address)
{
	struct address own;

	(void)context;
	return address_parse("198.51.100.1", &own) && !memcmp(&own, address, sizeof(own));
}

static void rules(bool default_allow, const char *const *list)
{
	struct error error = { 0 };

	policy_free(&policy);
	policy.default_allow = default_allow;
	for (; *list; list++)
		if (policy_add(&policy, *list + 1, **list == '+', &error)) {
			fprintf(stderr, "%s\n", error.text);
			exit(1);
		}
}
#define RULES(...) (const char *const[]){ __VA_ARGS__, NULL }

static void expect(bool good, const char *text, unsigned int port)
{
	char reason[POLICY_REASON] = "";
	struct address address, normal;

	check(address_parse(text, &address), text);
	normal = address_normalise(&address);
	if (policy_check(&policy, &address, port, is_own(NULL, &normal), reason) == good && (good || reason[0]))
		return;
	fprintf(stderr, "%s port %u: should be %s (%s)\n", text, port, good ? "allowed" : "refused", reason);
	exit(1);
}

static void pin(const char *name, const char *const *texts)
{
	struct address addresses[8];
	int nr = 0;

	for (; *texts; texts++)
		check(address_parse(*texts, &addresses[nr++]), *texts);
	check(policy_pin(&policy, name, addresses, nr, is_own, NULL) != NULL, "pin");
}

static void test_default_deny(void)
{
	rules(false, RULES("+192.0.2.7:443", "+203.0.113.0/24:8000-8010", "+[2001:db8::5]:22", "+2001:db8:1::/48"));
	expect(true, "192.0.2.7", 443);
	expect(false, "192.0.2.7", 80);
	expect(false, "192.0.2.8", 443);
	expect(true, "203.0.113.200", 8005);
	expect(false, "203.0.113.200", 8011);
	expect(false, "203.0.114.1", 8005);
	expect(true, "2001:db8::5", 22);
	expect(false, "2001:db8::6", 22);
	expect(true, "2001:db8:1:ffff::1", 1);
	expect(false, "2001:db8:2::1", 1);
	/* The same by other ways of writing it. */
	expect(true, "::ffff:192.0.2.7", 443);
	expect(true, "64:ff9b::192.0.2.7", 443);
	expect(false, "::ffff:192.0.2.8", 443);
	rules(false, RULES("-192.0.2.1"));
	expect(false, "192.0.2.2", 1);
}

static void test_special(void)
{
	static const char *const special[] = { "127.0.0.1", "127.9.9.9", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
					       "64:ff9b:1::7f00:1", "2002:7f00:1::", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fec0::1",
					       "224.0.0.1", "ff02::1", "255.255.255.255", "0.1.2.3", "240.0.0.1", "198.51.100.1", "::ffff:198.51.100.1",
					       "64:ff9b::198.51.100.1", "2002:c633:6401::1" };

	for (int which = 0; which < 3; which++) {
		if (which == 0)
			rules(true, RULES("-192.0.2.1"));
		else if (which == 1)
			rules(false, RULES("+*"));
		else
			rules(false, RULES("+0.0.0.0/0", "+::/0", "+198.51.100.0/24", "+2002::/16"));
		for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
			expect(false, special[i], 80);
		expect(true, "192.0.2.9", 80);
		expect(true, "2001:db8::9", 80);
		expect(true, "10.0.0.1", 80);
	}
	/* Meant. */
	rules(false, RULES("+127.0.0.1:80", "+198.51.100.1", "+169.254.0.0/16", "+[fe80::1]"));
	expect(true, "127.0.0.1", 80);
	expect(true, "::ffff:127.0.0.1", 80);
	expect(false, "127.0.0.1", 81);
	expect(false, "127.0.0.2", 80);
	expect(false, "0.0.0.0", 80);
	expect(true, "198.51.100.1", 9);
	expect(true, "169.254.169.254", 80);
	expect(true, "fe80::1", 80);
	rules(false, RULES("+127.0.0.0/8"));
	expect(true, "127.3.2.1", 80);
	policy.special_allow = true;
	policy.default_allow = true;
	expect(true, "::1", 80);
	policy.special_allow = false;
}

static void test_deny_wins(void)
{
	rules(true, RULES("-10.0.0.0/8", "+10.1.0.0/16", "-*:25", "-evil.test"));
	expect(false, "10.1.2.3", 80);
	expect(false, "::ffff:10.1.2.3", 80);
	expect(false, "64:ff9b::10.1.2.3", 80);
	expect(false, "2002:0a01:0203::1", 80);
	expect(true, "192.0.2.1", 80);
	expect(false, "192.0.2.1", 25);
	pin("evil.test", RULES("192.0.2.66"));
	expect(false, "192.0.2.66", 80);
	/* A 6to4 network can be denied as what it is, too. */
	rules(true, RULES("-2002::/16"));
	expect(false, "2002:0a01:0203::1", 80);
}

static void test_names(void)
{
	char reason[POLICY_REASON], name[POLICY_NAME];

	rules(false, RULES("+good.test:443", "+*.sub.test", "-bad.sub.test"));
	check(policy_check_name(&policy, "good.test", reason), "good.test");
	check(!policy_check_name(&policy, "evil.test", reason), "evil.test");
	check(!policy_check_name(&policy, "xgood.test", reason), "xgood.test");
	check(!policy_check_name(&policy, "good.test.evil.test", reason), "good.test.evil.test");
	check(policy_check_name(&policy, "a.b.sub.test", reason), "a.b.sub.test");
	check(!policy_check_name(&policy, "sub.test", reason), "sub.test");
	check(!policy_check_name(&policy, "xsub.test", reason), "xsub.test");
	check(!policy_check_name(&policy, "bad.sub.test", reason), "bad.sub.test");
	expect(false, "192.0.2.1", 443);
	/* The first answer counts; what leads to special places is left out. */
	pin("good.test", RULES("192.0.2.1", "127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "198.51.100.1", "2001:db8::1"));
	pin("good.test", RULES("192.0.2.99"));
	expect(true, "192.0.2.1", 443);
	expect(true, "2001:db8::1", 443);
	expect(false, "192.0.2.1", 80);
	expect(false, "192.0.2.99", 443);
	expect(false, "127.0.0.1", 443);
	expect(false, "169.254.169.254", 443);
	expect(false, "198.51.100.1", 443);
	pin("x.sub.test", RULES("192.0.2.5"));
	expect(true, "192.0.2.5", 1);
	pin("bad.sub.test", RULES("192.0.2.5"));
	expect(false, "192.0.2.5", 1);
	check(policy_name_normalise("WwW.Example.TEST.", name) && !strcmp(name, "www.example.test"), "normalise");
	check(!policy_name_normalise("a..b", name) && !policy_name_normalise(".", name) && !policy_name_normalise("", name) &&
	      !policy_name_normalise("a..", name) && !policy_name_normalise("a b", name), "no names");
}

static void test_mistakes(void)
{
	static const char *const bad[] = { "", ":80", "host:", "host:0", "host:65536", "host:80-70", "host:80x", "1.2.3", "1.2.3.4.5", "256.1.1.1",
					   "1.2.3.4/33", "[::1", "::1/129", "[::1]x", "a/8", "*.:80", "host name", "1.2.3.4/", "1.2.3.4/x" };
	struct error error;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(policy_add(&policy, bad[i], true, &error) != 0 && error.text[0], bad[i]);
}

static void test_publish(void)
{
	static const char *const bad[] = { "", "80:", ":80:80:", "0:80", "80:0", "1-2:3", "65536:1", "80:80/sctp", "x:80:80", "1.2.3:80:80", "80-79:1-2", "a" };
	struct network_config config = { 0 };
	struct error error = { 0 };
	char text[ENDPOINT_TEXT];

	check(!network_config_publish(&config, "8080:80", &error) && config.nr_published == 1 && config.published[0].every_address &&
	      config.published[0].host_port == 8080 && config.published[0].port == 80 && config.published[0].kind == NETWORK_TCP, "8080:80");
	check(!network_config_publish(&config, "127.0.0.1:100-102:200-202/udp", &error) && config.nr_published == 4 &&
	      config.published[3].host_port == 102 && config.published[3].port == 202 && config.published[3].kind == NETWORK_UDP &&
	      !strcmp(endpoint_print(&config.published[3].address, 1, text), "127.0.0.1:1"), "range");
	check(!network_config_publish(&config, "[::1]:53:5353", &error) && !strcmp(endpoint_print(&config.published[4].address, 53, text), "[::1]:53"), "IPv6");
	check(!network_config_publish(&config, "9000", &error) && config.published[5].host_port == 0 && config.published[5].port == 9000, "9000");
	check(!network_config_publish(&config, "127.0.0.1::7", &error) && config.published[6].host_port == 0 && !config.published[6].every_address, "::7");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(network_config_publish(&config, bad[i], &error) != 0, bad[i]);
	check(config.nr_published == 7, "nothing half done");
	free(config.published);
}

static void test_modes(void)
{
	struct network_config config = { 0 };
	struct error error = { 0 };

	check(!network_config_check(&config, &error) && config.mode == NETWORK_OUTSIDE && !config.filtered, "default");
	config = (struct network_config){ 0 };
	policy_add(&config.policy, "host.test", true, &error);
	check(!network_config_check(&config, &error) && config.filtered, "--allow means filtered");
	check(!network_config_mode(&config, "host", &error) && !network_config_check(&config, &error) && config.filtered, "--allow with host");
	check(!network_config_mode(&config, "blue", &error) && !network_config_check(&config, &error) && config.filtered, "--allow with a namespace");
	check(!network_config_mode(&config, "none", &error) && network_config_check(&config, &error), "--allow with none");
	check(network_config_mode(&config, "../x", &error) && network_config_mode(&config, "", &error), "no namespace's name");
	check(!network_config_mode(&config, "blue", &error) && config.mode == NETWORK_NAMESPACE, "a namespace");
	policy_free(&config.policy);
	config = (struct network_config){ 0 };
	policy_add(&config.policy, "host.test", false, &error);
	check(!network_config_mode(&config, "host", &error) && !network_config_check(&config, &error) && !config.filtered, "--deny with host");
	policy_free(&config.policy);
}

int main(void)
{
	test_default_deny();
	test_special();
	test_deny_wins();
	test_names();
	test_mistakes();
	test_publish();
	test_modes();
	policy_free(&policy);
	return 0;
}
