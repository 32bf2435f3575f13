/* diag.c - see diag.h. */
#include "wire/diag.h"

#include "base/assert.h"
#include "wire/cbor.h"

/* An open container: what it is, how many items are still to come, how many were printed. */
struct diag_frame {
    uint8_t major;
    bool is_indefinite;
    uint64_t remaining;
    uint64_t printed;
};

struct diag_printer {
    struct rind_buffer *out;
    struct rind_cbor_reader reader;
    struct diag_frame frames[RIND_DIAG_DEPTH_MAX];
    size_t depth;
};

static void diag_text(struct diag_printer *printer, const char *text)
{
    rind_buffer_append(printer->out, rind_slice_text(text));
}

static void diag_quoted(struct diag_printer *printer, struct rind_slice text)
{
    rind_buffer_append_byte(printer->out, '"');
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\') {
            rind_buffer_append_byte(printer->out, '\\');
            rind_buffer_append_byte(printer->out, c);
        } else if (c < 0x20 || c == 0x7f) {
            rind_buffer_print(printer->out, "\\u%04x", c);
        } else {
            rind_buffer_append_byte(printer->out, c);
        }
    }
    rind_buffer_append_byte(printer->out, '"');
}

static bool diag_string_content(struct diag_printer *printer, uint8_t major, uint64_t length)
{
    struct rind_slice content;
    if (!rind_cbor_read_content(&printer->reader, length, &content)) {
        return false;
    }
    if (major == RIND_CBOR_TEXT) {
        if (!rind_cbor_is_utf8(content)) {
            return false;
        }
        diag_quoted(printer, content);
        return true;
    }
    diag_text(printer, "h'");
    rind_buffer_append_hex(printer->out, content);
    diag_text(printer, "'");
    return true;
}

/* A string of indefinite length: (_ piece, piece). */
static bool diag_pieces(struct diag_printer *printer, uint8_t major)
{
    diag_text(printer, "(_");
    for (bool is_first = true;; is_first = false) {
        struct rind_cbor_head head;
        if (!rind_cbor_read_head(&printer->reader, &head)) {
            return false;
        }
        if (head.major == RIND_CBOR_SIMPLE && head.is_indefinite) {
            diag_text(printer, ")");
            return true;
        }
        if (head.major != major || head.is_indefinite) {
            return false;
        }
        diag_text(printer, is_first ? " " : ", ");
        if (!diag_string_content(printer, major, head.argument)) {
            return false;
        }
    }
}

static bool diag_open(struct diag_printer *printer, const struct rind_cbor_head *head)
{
    if (printer->depth == RIND_DIAG_DEPTH_MAX || head->argument > UINT64_MAX / 2) {
        return false;
    }
    diag_text(printer, head->major == RIND_CBOR_MAP ? "{" : "[");
    if (head->is_indefinite) {
        diag_text(printer, "_ ");
    }
    printer->frames[printer->depth++] = (struct diag_frame){
        .major = head->major,
        .is_indefinite = head->is_indefinite,
        .remaining = head->major == RIND_CBOR_MAP ? 2 * head->argument : head->argument,
    };
    return true;
}

static bool diag_simple(struct diag_printer *printer, const struct rind_cbor_head *head)
{
    if (head->is_indefinite) {
        return false;
    }
    if (head->is_float) {
        /* No message has floats; their bits tell enough. */
        rind_buffer_print(printer->out, "float(0x%llx)", (unsigned long long)head->argument);
        return true;
    }
    switch (head->argument) {
    case RIND_CBOR_FALSE:
        diag_text(printer, "false");
        return true;
    case RIND_CBOR_TRUE:
        diag_text(printer, "true");
        return true;
    case RIND_CBOR_NULL:
        diag_text(printer, "null");
        return true;
    case RIND_CBOR_UNDEFINED:
        diag_text(printer, "undefined");
        return true;
    default:
        rind_buffer_print(printer->out, "simple(%llu)", (unsigned long long)head->argument);
        return true;
    }
}

static bool diag_tag(struct diag_printer *printer, uint64_t tag)
{
    if (printer->depth == RIND_DIAG_DEPTH_MAX) {
        return false;
    }
    rind_buffer_print(printer->out, "%llu(", (unsigned long long)tag);
    printer->frames[printer->depth++] = (struct diag_frame){.major = RIND_CBOR_TAG, .remaining = 1};
    return true;
}

static bool diag_item(struct diag_printer *printer)
{
    struct rind_cbor_head head;
    if (!rind_cbor_read_head(&printer->reader, &head)) {
        return false;
    }
    switch ((enum rind_cbor_major)head.major) {
    case RIND_CBOR_UNSIGNED:
        rind_buffer_print(printer->out, "%llu", (unsigned long long)head.argument);
        return true;
    case RIND_CBOR_NEGATIVE:
        if (head.argument == UINT64_MAX) {
            diag_text(printer, "-18446744073709551616");
        } else {
            rind_buffer_print(printer->out, "-%llu", (unsigned long long)head.argument + 1);
        }
        return true;
    case RIND_CBOR_BYTES:
    case RIND_CBOR_TEXT:
        return head.is_indefinite ? diag_pieces(printer, head.major)
                                  : diag_string_content(printer, head.major, head.argument);
    case RIND_CBOR_ARRAY:
    case RIND_CBOR_MAP:
        return diag_open(printer, &head);
    case RIND_CBOR_TAG:
        return diag_tag(printer, head.argument);
    case RIND_CBOR_SIMPLE:
        return diag_simple(printer, &head);
    }
    RIND_UNREACHABLE("a major type has three bits");
}

static bool diag_is_break(const struct rind_cbor_reader *reader)
{
    return rind_cbor_left(reader) > 0 && reader->input.data[reader->position] == 0xff;
}

static void diag_close(struct diag_printer *printer, const struct diag_frame *frame)
{
    if (frame->is_indefinite) {
        printer->reader.position++; /* the break */
    }
    diag_text(printer, frame->major == RIND_CBOR_MAP   ? "}"
                       : frame->major == RIND_CBOR_TAG ? ")"
                                                       : "]");
    printer->depth--;
}

/* Goes on with the innermost container: closes it, or prints the separator and the next item. */
static bool diag_continue(struct diag_printer *printer)
{
    struct diag_frame *frame = &printer->frames[printer->depth - 1];
    bool is_value = frame->major == RIND_CBOR_MAP && frame->printed % 2 == 1;
    bool is_complete =
        frame->is_indefinite ? diag_is_break(&printer->reader) && !is_value : frame->remaining == 0;
    if (is_complete) {
        diag_close(printer, frame);
        return true;
    }
    if (is_value) {
        diag_text(printer, ": ");
    } else if (frame->printed > 0) {
        diag_text(printer, ", ");
    }
    frame->printed++;
    frame->remaining--; /* wraps, unread, if the length is indefinite */
    return diag_item(printer);
}

size_t rind_diag_print(struct rind_buffer *out, struct rind_slice input)
{
    struct diag_printer printer = {.out = out};
    rind_cbor_reader_init(&printer.reader, RIND_WIRE_LENIENT, input);
    bool is_good = diag_item(&printer);
    while (is_good && printer.depth > 0 && !out->is_overflown) {
        is_good = diag_continue(&printer);
    }
    if (!is_good) {
        diag_text(&printer, "<malformed>");
        return 0;
    }
    return out->is_overflown ? 0 : printer.reader.position;
}
