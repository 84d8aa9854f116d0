/*
 * Boot arguments: `key=value` with blanks in between.
 */
#ifndef MINI_OS_ARGUMENTS_H
#define MINI_OS_ARGUMENTS_H

#include "base.h"

/* Where the value of `key` begins, NULL if it is not there; and whether a value is this word. */
const char *argument_value(const char *arguments, const char *key);
bool argument_is(const char *value, const char *word);

#endif
