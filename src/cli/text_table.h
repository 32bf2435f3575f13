/*
 * text_table.h - text tables in the form of spec 08 section 14.2: rules above, between and below.
 *
 * Rows are collected first, since columns are as wide as their widest cell. One thread; memory from
 * the arena of the ctx given.
 */
#ifndef RIND_CLI_TEXT_TABLE_H
#define RIND_CLI_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/base.h"

#define RIND_TEXT_TABLE_COLUMNS_MAX 12u
#define RIND_TEXT_TABLE_ROWS_MAX 65536u
#define RIND_TEXT_TABLE_CELL_SIZE_MAX 256u

struct rind_text_table {
    const char *titles[RIND_TEXT_TABLE_COLUMNS_MAX];
    bool is_right[RIND_TEXT_TABLE_COLUMNS_MAX]; /* numbers stand at the right */
    size_t column_count;
    struct rind_text_table_row *first;
    struct rind_text_table_row *last;
    size_t row_count;
};

/* Adds a column before the first row is added. `title` is borrowed. */
void rind_text_table_add_column(struct rind_text_table *table, const char *title, bool is_right);

/* Starts a row of empty cells. RIND_E_LIMIT above RIND_TEXT_TABLE_ROWS_MAX rows. */
rind_status rind_text_table_add_row(struct rind_ctx *ctx,
                                    struct rind_text_table *table) RIND_MUST_USE;

/* Prints into a cell of the last row; longer text is cut at RIND_TEXT_TABLE_CELL_SIZE_MAX. */
void rind_text_table_set(struct rind_text_table *table, size_t column, const char *format, ...)
    RIND_PRINTF(3, 4);

void rind_text_table_print(const struct rind_text_table *table, FILE *out);

#endif
