/* text_table.c - see text_table.h. */
#include "cli/text_table.h"

#include <stdarg.h>
#include <string.h>

struct rind_text_table_row {
    struct rind_text_table_row *next;
    char cells[RIND_TEXT_TABLE_COLUMNS_MAX][RIND_TEXT_TABLE_CELL_SIZE_MAX];
};

void rind_text_table_add_column(struct rind_text_table *table, const char *title, bool is_right)
{
    RIND_ASSERT(table->column_count < RIND_TEXT_TABLE_COLUMNS_MAX && table->row_count == 0);
    table->titles[table->column_count] = title;
    table->is_right[table->column_count] = is_right;
    table->column_count++;
}

rind_status rind_text_table_add_row(struct rind_ctx *ctx, struct rind_text_table *table)
{
    RIND_REQUIRE(ctx, table->row_count < RIND_TEXT_TABLE_ROWS_MAX, RIND_E_LIMIT,
                 "more than %u rows to show", RIND_TEXT_TABLE_ROWS_MAX);
    struct rind_text_table_row *row = rind_ctx_alloc(ctx, sizeof(*row));
    RIND_REQUIRE(ctx, row != NULL, RIND_E_LIMIT, "no memory for a table of %zu rows",
                 table->row_count);
    if (table->last == NULL) {
        table->first = row;
    } else {
        table->last->next = row;
    }
    table->last = row;
    table->row_count++;
    return RIND_OK;
}

void rind_text_table_set(struct rind_text_table *table, size_t column, const char *format, ...)
{
    RIND_ASSERT(table->last != NULL && column < table->column_count);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(table->last->cells[column], RIND_TEXT_TABLE_CELL_SIZE_MAX, format, arguments);
    va_end(arguments);
}

static void text_table_print_rule(size_t width, FILE *out)
{
    (void)fputc('+', out);
    for (size_t i = 0; i < width; i++) {
        (void)fputc('-', out);
    }
    (void)fputs("+\n", out);
}

static void text_table_print_cell(const char *text, size_t width, bool is_right, FILE *out)
{
    int padded = (int)width;
    (void)fprintf(out, " %*s ", is_right ? padded : -padded, text);
}

void rind_text_table_print(const struct rind_text_table *table, FILE *out)
{
    size_t widths[RIND_TEXT_TABLE_COLUMNS_MAX];
    size_t rule = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = strlen(table->titles[c]);
        for (const struct rind_text_table_row *row = table->first; row != NULL; row = row->next) {
            size_t length = strlen(row->cells[c]);
            widths[c] = length > widths[c] ? length : widths[c];
        }
        rule += widths[c] + 2;
    }
    text_table_print_rule(rule, out);
    (void)fputc('|', out);
    for (size_t c = 0; c < table->column_count; c++) {
        text_table_print_cell(table->titles[c], widths[c], table->is_right[c], out);
    }
    (void)fputs("|\n", out);
    text_table_print_rule(rule, out);
    for (const struct rind_text_table_row *row = table->first; row != NULL; row = row->next) {
        (void)fputc('|', out);
        for (size_t c = 0; c < table->column_count; c++) {
            text_table_print_cell(row->cells[c], widths[c], table->is_right[c], out);
        }
        (void)fputs("|\n", out);
    }
    text_table_print_rule(rule, out);
}
