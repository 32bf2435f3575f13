/* log_line.h - how one log line looks, as text and as JSON (spec 05 section 6). For log.c. */
#ifndef RIND_HOST_LOG_LINE_H
#define RIND_HOST_LOG_LINE_H

#include "base/buffer.h"
#include "host/log.h"

struct rind_log_event {
    enum rind_log_level level;
    const char *file;
    int line;
    const char *message;
};

/* Each writes a whole line with its newline; a message that does not fit is cut. */
void rind_log_line_json(struct rind_buffer *buffer, const struct rind_log *log,
                        const struct rind_log_event *event);
void rind_log_line_text(struct rind_buffer *buffer, const struct rind_log *log,
                        const struct rind_log_event *event);

#endif
