/*
 * replay.c - runs a fuzz target over the files of a corpus folder, where there is no libFuzzer.
 *
 * So each finding is tested in every build for good.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_INPUT_SIZE_MAX 1048576u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads a file into memory that ends where the file ends, so that sanitizers see one byte more. */
static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    uint8_t *large = malloc(REPLAY_INPUT_SIZE_MAX);
    if (large == NULL) {
        abort();
    }
    size_t size = fread(large, 1, REPLAY_INPUT_SIZE_MAX, file);
    (void)fclose(file);
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    if (exact == NULL) {
        abort();
    }
    memcpy(exact, large, size);
    free(large);
    printf("%s: %zu bytes\n", path, size);
    (void)fflush(stdout); /* the last line names the input that crashed */
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    DIR *folder = opendir(argv[1]);
    if (folder == NULL) {
        printf("no corpus in %s yet: only the empty input was tried\n", argv[1]);
        return EXIT_SUCCESS;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[4096];
        if (entry->d_name[0] == '.') {
            continue;
        }
        int length = snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        if (length > 0 && (size_t)length < sizeof(path)) {
            replay_file(path);
        }
    }
    (void)closedir(folder);
    return EXIT_SUCCESS;
}
