/*
 * panic.c - the end of a process whose own assertion failed (spec 06 section 12.2).
 *
 * A person at a terminal gets a header and a sentence; a log collector gets one JSON line with the
 * specified keys. No heap and no locks: the process may be broken in any way.
 */
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"

#define PANIC_FRAMES_MAX 32

_Noreturn void rind_panic(const char *file, int line, const char *fact)
{
    void *frames[PANIC_FRAMES_MAX];
    int frame_count = backtrace(frames, PANIC_FRAMES_MAX);
    if (isatty(STDERR_FILENO)) {
        dprintf(STDERR_FILENO,
                "\033[31m=== PANIC (exiting) ===\033[0m\n"
                "assertion failed: %s\n  at %s:%d\n"
                "This is a bug in Rind. The supervisor should restart the process; please report\n"
                "the lines above and below.\n",
                fact, file, line);
        backtrace_symbols_fd(frames, frame_count, STDERR_FILENO);
    } else {
        char escaped[256];
        size_t used = 0;
        for (const char *c = fact; *c != '\0' && used + 3 < sizeof(escaped); c++) {
            if (*c == '"' || *c == '\\') {
                escaped[used++] = '\\';
            }
            escaped[used++] = (unsigned char)*c < 0x20 ? ' ' : *c;
        }
        escaped[used] = '\0';
        char addresses[PANIC_FRAMES_MAX * 20 + 1];
        size_t length = 0;
        for (int i = 0; i < frame_count && length + 20 < sizeof(addresses); i++) {
            length += (size_t)snprintf(addresses + length, sizeof(addresses) - length, "%s%p",
                                       i == 0 ? "" : " ", frames[i]);
        }
        addresses[length] = '\0';
        dprintf(STDERR_FILENO,
                "{\"message\":\"panicked. exiting\",\"reason\":\"%s\",\"panic\":true,"
                "\"level\":\"ERROR\",\"location\":\"%s:%d\",\"backtrace\":\"%s\"}\n",
                escaped, file, line, addresses);
    }
    abort();
}
