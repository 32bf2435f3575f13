/* metrics_clean.c - names, tags and texts that every collector accepts; spec 05 section 7.2. */
#include <string.h>

#include "base/base.h"
#include "host/metrics.h"

static bool clean_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool clean_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool clean_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Appends one character if there is room for it and the NUL. */
static void clean_append(char *clean, size_t size, size_t *length, char c)
{
    if (*length + 1 < size) {
        clean[(*length)++] = c;
        clean[*length] = '\0';
    }
}

static void clean_set(char *clean, size_t size, const char *text)
{
    size_t length = 0;
    clean[0] = '\0';
    for (; *text != '\0'; text++) {
        clean_append(clean, size, &length, *text);
    }
}

void rind_metrics_clean_name(const char *name, char *clean, size_t size)
{
    RIND_ASSERT(size >= 16);
    if (name[0] == '\0') {
        clean_set(clean, size, "empty_metric");
        return;
    }
    size_t length = 0;
    if (!clean_is_lower(name[0]) && !clean_is_upper(name[0])) {
        clean_append(clean, size, &length, 'z');
    }
    for (; *name != '\0'; name++) {
        bool is_kept = clean_is_lower(*name) || clean_is_upper(*name) || clean_is_digit(*name) ||
                       *name == '.' || *name == '_';
        clean_append(clean, size, &length, is_kept ? *name : '_');
    }
}

static char clean_tag_character(char c)
{
    if (clean_is_upper(c)) {
        return (char)(c - 'A' + 'a');
    }
    bool is_kept = clean_is_lower(c) || clean_is_digit(c) || (c != '\0' && strchr("_-:./", c));
    return is_kept ? c : '_';
}

void rind_metrics_clean_tag(const char *name, const char *value, char *clean, size_t size)
{
    RIND_ASSERT(size >= 16);
    if (name[0] == '\0' && value == NULL) {
        clean_set(clean, size, "empty_tag");
        return;
    }
    size_t length = 0;
    if (!clean_is_lower(name[0]) && !clean_is_upper(name[0])) {
        clean_append(clean, size, &length, 'z');
    }
    for (; *name != '\0'; name++) {
        clean_append(clean, size, &length, *name == ':' ? '_' : clean_tag_character(*name));
    }
    if (value == NULL) {
        return;
    }
    clean_append(clean, size, &length, ':');
    for (; *value != '\0'; value++) {
        clean_append(clean, size, &length, clean_tag_character(*value));
    }
}

void rind_metrics_clean_message(const char *message, char *clean, size_t size)
{
    size_t length = 0;
    clean[0] = '\0';
    for (; *message != '\0'; message++) {
        char c = *message;
        bool is_kept = clean_is_lower(c) || clean_is_upper(c) || clean_is_digit(c) || c == '.' ||
                       c == '_' || c == '-' || c == ' ';
        clean_append(clean, size, &length, is_kept ? c : '_');
    }
}

void rind_metrics_clean_event_text(const char *text, char *clean, size_t size)
{
    size_t length = 0;
    clean[0] = '\0';
    for (; *text != '\0'; text++) {
        if (*text != '\n') {
            clean_append(clean, size, &length, *text);
        } else if (length + 3 < size) {
            /* The specified escape is two backslashes and an n. */
            clean_append(clean, size, &length, '\\');
            clean_append(clean, size, &length, '\\');
            clean_append(clean, size, &length, 'n');
        }
    }
}
