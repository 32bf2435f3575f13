/* flags_help.c - --help, --version and man pages from the rows; see flags.h. */
#include <string.h>

#include "base/base.h"
#include "host/build_info.h"
#include "host/flags.h"
#include "host/flags_row.h"

#define FLAGS_HELP_WIDTH 80u
#define FLAGS_HELP_INDENT 10u

void rind_flags_value_name(const struct rind_flag *row, char name[static RIND_FLAGS_LABEL_SIZE])
{
    const char *source = row->value_name != NULL ? row->value_name : row->name;
    RIND_ASSERT(source != NULL); /* positional rows need a value name */
    bool is_given = row->value_name != NULL;
    size_t i = 0;
    for (; source[i] != '\0' && i + 1 < RIND_FLAGS_LABEL_SIZE; i++) {
        char c = source[i];
        if (!is_given && c >= 'a' && c <= 'z') {
            c = (char)(c - 'a' + 'A');
        }
        name[i] = !is_given && c == '-' ? '_' : c;
    }
    name[i] = '\0';
}

void rind_flags_bound(const struct rind_flag *row, uint64_t bound,
                      char text[static RIND_DURATION_TEXT_SIZE])
{
    if (row->kind == RIND_FLAG_DURATION) {
        rind_duration_format(bound, text);
        return;
    }
    const char *unit = row->kind == RIND_FLAG_SIZE ? " bytes" : "";
    (void)snprintf(text, RIND_DURATION_TEXT_SIZE, "%llu%s", (unsigned long long)bound, unit);
}

/* Prints `text` broken at spaces, each line indented. */
static void flags_print_wrapped(FILE *out, const char *text)
{
    size_t column = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column == 0 || column + 1 + length > FLAGS_HELP_WIDTH) {
            (void)fprintf(out, "%s%*s", column == 0 ? "" : "\n", (int)FLAGS_HELP_INDENT, "");
            column = FLAGS_HELP_INDENT;
        } else {
            (void)fputc(' ', out);
            column++;
        }
        (void)fprintf(out, "%.*s", (int)length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    (void)fputc('\n', out);
}

/* "[default: 20s] [env: X]" and bounds; empty if there is nothing to add. */
static void flags_notes(const struct rind_flag *row, char *notes, size_t size)
{
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, notes, size - 1);
    const char *shown = row->show_fallback != NULL ? row->show_fallback : row->fallback;
    if (row->is_required) {
        rind_buffer_print(&buffer, " [required]");
    }
    if (shown != NULL) {
        rind_buffer_print(&buffer, " [default: %s]", shown);
    }
    if (row->environment != NULL) {
        rind_buffer_print(&buffer, " [env: %s]", row->environment);
    }
    bool has_bounds = row->kind == RIND_FLAG_U64 || row->kind == RIND_FLAG_SIZE ||
                      row->kind == RIND_FLAG_DURATION;
    char bound[RIND_DURATION_TEXT_SIZE];
    if (has_bounds && row->min > 0) {
        rind_flags_bound(row, row->min, bound);
        rind_buffer_print(&buffer, " [min: %s]", bound);
    }
    if (has_bounds && row->max > 0) {
        rind_flags_bound(row, row->max, bound);
        rind_buffer_print(&buffer, " [max: %s]", bound);
    }
    if (row->kind == RIND_FLAG_CHOICE) {
        rind_buffer_print(&buffer, " [one of:");
        for (size_t i = 0; row->choices[i] != NULL; i++) {
            rind_buffer_print(&buffer, "%s %s", i == 0 ? "" : ",", row->choices[i]);
        }
        rind_buffer_print(&buffer, "]");
    }
    notes[buffer.length] = '\0';
}

static void flags_print_row(const struct rind_flag *row, FILE *out)
{
    char value_name[RIND_FLAGS_LABEL_SIZE];
    rind_flags_value_name(row, value_name);
    if (row->name == NULL) {
        (void)fprintf(out, "  <%s>\n", value_name);
    } else {
        char letter[8] = "    ";
        if (row->letter != 0) {
            (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
        }
        (void)fprintf(out, "  %s--%s", letter, row->name);
        if (row->kind == RIND_FLAG_BOOL) {
            (void)fprintf(out, "[=true|false]\n");
        } else {
            (void)fprintf(out, " <%s>%s\n", value_name, row->kind == RIND_FLAG_TEXTS ? "..." : "");
        }
    }
    char notes[512];
    flags_notes(row, notes, sizeof(notes));
    char text[2048];
    (void)snprintf(text, sizeof(text), "%s%s", row->help, notes);
    flags_print_wrapped(out, text);
}

static void flags_print_usage(const struct rind_command *command, FILE *out)
{
    (void)fprintf(out, "Usage: %s [OPTIONS]", command->program);
    const struct rind_flag *row;
    for (size_t i = 0; (row = rind_flags_row(command, i)) != NULL; i++) {
        char value_name[RIND_FLAGS_LABEL_SIZE];
        rind_flags_value_name(row, value_name);
        if (row->name != NULL && row->is_required) {
            (void)fprintf(out, " --%s <%s>", row->name, value_name);
        } else if (row->name == NULL) {
            (void)fprintf(out, " %s<%s>%s%s", row->is_required ? "" : "[", value_name,
                          row->kind == RIND_FLAG_TEXTS ? "..." : "", row->is_required ? "" : "]");
        }
    }
    (void)fprintf(out, "\n");
}

void rind_flags_help(const struct rind_command *command, FILE *out)
{
    (void)fprintf(out, "%s\n\n", command->about);
    flags_print_usage(command, out);
    for (size_t i = 0; i < command->table_count; i++) {
        const struct rind_flag_table *table = &command->tables[i];
        (void)fprintf(out, "\n%s:\n", table->heading != NULL ? table->heading : "Options");
        for (size_t j = 0; j < table->count; j++) {
            flags_print_row(&table->flags[j], out);
        }
    }
    (void)fprintf(out, "\nGeneral:\n"
                       "  -h, --help\n          Print this help.\n"
                       "  -V, --version\n          Print version and build information.\n");
    if (command->example != NULL) {
        (void)fprintf(out, "\nExample:\n  %s\n", command->example);
    }
}

void rind_flags_version(const struct rind_command *command, FILE *out)
{
    char text[1024];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, text, sizeof(text));
    rind_build_info_version(&buffer, NULL);
    (void)fprintf(out, "%s %.*s\n", command->program, (int)buffer.length, text);
}

/* roff: a leading "." or "'" is a request, "\" an escape, "-" a hyphen that cannot be copied. */
static void flags_man_text(FILE *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'') {
        (void)fputs("\\&", out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == '\\') {
            (void)fputc('\\', out);
        }
        (void)fputc(*text == '\\' ? 'e' : *text, out);
    }
}

void rind_flags_man(const struct rind_command *command, FILE *out)
{
    (void)fprintf(out, ".SH OPTIONS\n");
    for (size_t i = 0; i < command->table_count; i++) {
        const struct rind_flag_table *table = &command->tables[i];
        if (table->heading != NULL) {
            (void)fprintf(out, ".SS %s\n", table->heading);
        }
        for (size_t j = 0; j < table->count; j++) {
            const struct rind_flag *row = &table->flags[j];
            char value_name[RIND_FLAGS_LABEL_SIZE];
            char notes[512];
            rind_flags_value_name(row, value_name);
            flags_notes(row, notes, sizeof(notes));
            (void)fprintf(out, ".TP\n.B ");
            if (row->letter != 0) {
                (void)fprintf(out, "\\-%c, ", row->letter);
            }
            (void)fputs(row->name != NULL ? "\\-\\-" : "", out);
            flags_man_text(out, row->name != NULL ? row->name : value_name);
            if (row->name != NULL && row->kind != RIND_FLAG_BOOL) {
                (void)fprintf(out, " \\fI%s\\fR", value_name);
            }
            (void)fputc('\n', out);
            flags_man_text(out, row->help);
            flags_man_text(out, notes);
            (void)fputc('\n', out);
        }
    }
}
