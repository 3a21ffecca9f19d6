/* SPDX-License-Identifier: Apache-2.0 */
/* The little JSON that linuxd writes. */
#ifndef RUNTIME_JSON_H
#define RUNTIME_JSON_H

#include <stddef.h>
#include <stdio.h>

/* With its quotes. What is not UTF-8 becomes U+FFFD, so that the output is JSON whatever a container calls its programs. */
void json_string(FILE *out, const char *text);

/*
 * If @line is `"name": "value"`, maybe with a comma, as json_string writes it: stores the value, cut to @size. Returns whether it was. Any
 * text may stand in @line.
 */
int json_line_string(const char *line, const char *name, char *ret_value, size_t size);

#endif
