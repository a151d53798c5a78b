/* Asks a model of any task about each line of standard input, and prints what it says as JSON:  ask MODEL_FOLDER < text.txt
   A model of pairs gets lines of two texts with a tab between, one that answers a text as the first line, then questions. */
#include <stdio.h>
#include <string.h>

#include "tasks/gradus.h"

enum { most = 65536 }; /* bytes of a line, its end included */

/* Prints an error that the library gave. The exit status. */
static int fail(char* error) {
  fprintf(stderr, "error: %s\n", error != NULL ? error : "not enough memory");
  gradus_free_text(error);
  return 2;
}

/* Reads the next line, without its end. 0 where there is none; -1 for one that does not fit, after a word on that. */
static int read_line(char* line) {
  size_t length;
  if (fgets(line, most, stdin) == NULL) return 0;
  length = strlen(line);
  if (length > 0 && line[length - 1] == '\n') {
    line[length - 1] = '\0';
  } else if (!feof(stdin)) {
    fprintf(stderr, "error: a line of more than %d bytes, or with a zero byte\n", most - 2);
    return -1;
  }
  return 1;
}

int main(int argc, char** argv) {
  static char line[most], context[most];
  const char* task;
  char *error, *answer, *second;
  gradus_model* model;
  int status = 0, found;
  if (argc != 2) {
    fprintf(stderr, "usage: ask MODEL_FOLDER < text.txt\n");
    return 2;
  }
  model = gradus_open(argv[1], NULL, &error);
  if (model == NULL) return fail(error);
  task = gradus_task(model);
  found = strcmp(task, "answer") == 0 ? read_line(context) : 1;
  while (status == 0 && found > 0 && (found = read_line(line)) > 0) {
    if (strcmp(task, "tag") == 0) {
      answer = gradus_tag(model, line, &error);
    } else if (strcmp(task, "answer") == 0) {
      answer = gradus_answer(model, context, line, &error);
    } else {
      second = strcmp(task, "classify_pairs") == 0 ? strchr(line, '\t') : NULL;
      if (second != NULL) *second++ = '\0';
      answer = gradus_classify(model, line, second, &error);
    }
    if (answer != NULL) puts(answer);
    else status = fail(error);
    gradus_free_text(answer);
  }
  gradus_close(model);
  return found < 0 ? 2 : status;
}
