/* Trained models for programs in any language: the folder that a training has saved to in, answers out as JSON.

     char* error;
     gradus_model* model = gradus_open("ner_finetune/ckpt/best", NULL, &error);
     if (model == NULL) { fprintf(stderr, "error: %s\n", error); ... }
     char* answer = gradus_tag(model, "Anna lives in Paris .", &error);
     puts(answer);    {"entities":[{"type":"PER","text":"Anna","start":0,"end":4}, ...]}
     gradus_free_text(answer);
     gradus_close(model);

   Texts are UTF-8 and end with a zero byte; places in them count Unicode code points. For C++ there is pipeline.h.

   Errors: a function that fails returns NULL and gives a text that says what was found and what is allowed, for the caller
   to free with gradus_free_text(). `error` may be NULL for those who don't want it; where nothing fails, or there is no
   memory for a text, NULL is what it gets. A model that is NULL or has been closed, and a text that is NULL, are such errors.

   Threads: each function may be called from any thread at any time. Those that open, ask and close wait for one another,
   whichever model they are for, since all compute on the same threads. These are the library's own, and a process that was
   forked does not have them: fork before the first model is opened.

   Signals: a handler that may run on a thread within one of these functions needs a stack of its own (sigaltstack,
   SA_ONSTACK), since code that oneDNN generates may move the thread's stack pointer.

   Functions that are here stay as they are as long as the library is libgradus.so.0. New ones may come. */
#ifndef GRADUS_H
#define GRADUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gradus_model gradus_model;

/* As "0.1.0". It is not to be freed. */
const char* gradus_version(void);

/* Opens the model of a folder that run_ner, run_classifier or run_squad has saved to. `options` is NULL or a JSON object
   with some of these, whose defaults they are:
     {"device": "CPU", "device_id": 0, "threads": 0, "compute_type": "fp32", "batch_size": 64, "seq_length": 0}
   What they mean is said in pipeline.h; 0 threads are as many as there are processors, and those of the model that was
   opened last hold for all of a device. */
gradus_model* gradus_open(const char* folder, const char* options, char** error);

/* What the model does, "tag", "classify", "classify_pairs" or "answer"; NULL for what is no open model. It is not to be
   freed. */
const char* gradus_task(const gradus_model* model);

/* The names in a text: {"entities": [{"type": "PER", "text": "Anna", "start": 0, "end": 4}, ...]} */
char* gradus_tag(gradus_model* model, const char* text, char** error);

/* The class of a text, {"label": "pos", "probability": 0.9, "probabilities": {"neg": 0.1, "pos": 0.9}} with the classes in
   the order of their ids; of a model of any number of labels those that hold, {"labels": [{"label": "insult",
   "probability": 0.8}], "probabilities": {"insult": 0.8, "threat": 0.1}}; of a model of scores {"score": 2.5}. `second` is the other text of a pair, for a model of pairs;
   NULL for others. */
char* gradus_classify(gradus_model* model, const char* text, const char* second, char** error);

/* The answer to a question about a text, {"answer": "Alden", "probability": 0.8, "start": 14, "end": 19}; where the text
   has none {"answer": "", "probability": 0.7}. */
char* gradus_answer(gradus_model* model, const char* context, const char* question, char** error);

/* The same for many at once, which takes less time. `request` is a JSON object, by the model's task
     tag, classify     {"texts": ["...", ...]}
     classify_pairs    {"pairs": [["...", "..."], ...]}
     answer            {"context": "...", "questions": ["...", ...]}
   and what comes back {"results": [...]}, each as above, in their order. With "text", "pair" or "question" and one of
   them in the place of the list the result comes back alone. */
char* gradus_run(gradus_model* model, const char* request, char** error);

/* Frees what the functions above return, and errors. NULL is nothing. */
void gradus_free_text(char* text);

/* Frees the model. NULL, and a model that is closed already, are nothing. */
void gradus_close(gradus_model* model);

#ifdef __cplusplus
}
#endif

#endif
