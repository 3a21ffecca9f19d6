/* SPDX-License-Identifier: Apache-2.0 */
/* An error that gathers what happened, why, and what the user can do about it. */
#ifndef RUNTIME_ERROR_H
#define RUNTIME_ERROR_H

struct error {
	int code; /* errno value, or 0 if none fits */
	char text[2048];
};

/* Formats the text; a positive @code adds ": " and the system's words for it. Returns -1, so that callers can return it. */
int fail(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds a sentence that says how to help. Returns -1. */
int fail_remedy(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
