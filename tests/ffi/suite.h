/* What the cases share: checks that end the process with their place, and short ways through the interface. */
#ifndef SUITE_H
#define SUITE_H

#include <opnode.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A case: its name is what the program takes as its argument. */
#define CASE(name) \
  static void case_##name(void); \
  __attribute__((constructor)) static void add_##name(void) { suite_add(#name, case_##name); } \
  static void case_##name(void)

typedef struct opnode_case { const char *name; void (*run)(void); } suite_case;
void suite_add(const char *name, void (*run)(void));

#define CHECK(what) ((what) ? (void)0 : suite_fail(__FILE__, __LINE__, #what, 0, NULL))
#define HAS(text, part) (strstr((text), (part)) ? (void)0 : suite_fail(__FILE__, __LINE__, "lacks " #part, 0, (text)))
#define LACKS(text, part) (strstr((text), (part)) ? suite_fail(__FILE__, __LINE__, "has " #part, 0, (text)) : (void)0)
/* The report of an operation has it. */
#define TOLD(op, part)         \
  do {                         \
    char *told_ = report(op);  \
    HAS(told_, part);          \
    free(told_);               \
  } while (0)
/* A call's result. */
#define IS(status, call) suite_is(__FILE__, __LINE__, #call, (status), (call), NULL)
/* The same, with `err` set by the call: it must be there exactly when the call failed, and is freed. */
#define ERR(status, call) suite_is(__FILE__, __LINE__, #call, (status), (call), &err)

_Noreturn void suite_fail(const char *file, int line, const char *what, int32_t status, const char *more);
void suite_is(const char *file, int line, const char *what, int32_t wanted, int32_t got, opnode_error **err);

extern opnode_error *err;
extern int handles_are_lost; /* a case that leaves handles open on purpose */

/* ---- engines and connections ---- */
opnode_engine *engine(const char *more);                                 /* definitions and selftest, and `more` keys such as ",\"threads\":1" */
opnode_engine *hooked(const char *more, const opnode_hooks *hooks);
void leave(opnode_engine *it, opnode_conn *conn);                         /* gives both back */
void finish(opnode_engine *it);                                          /* shutdown must be OK, then free */
opnode_conn *shop(opnode_engine *it);                                    /* the scripted server; one attempt for each request */
opnode_conn *shop_with(opnode_engine *it, const char *limits);
const char *env(const char *name);

/* ---- operations ---- */
opnode_op *start(opnode_conn *conn, const char *request, uint64_t tag);
char *drained(opnode_op *op, int32_t end);                               /* all batches as text; ends as said */
char *run(opnode_conn *conn, const char *request, int32_t end);          /* opnode_run; the answer's text or "" */
char *report(opnode_op *op);
char *text(opnode_buf *buf);                                             /* a copy; frees the buffer */
char *failure(opnode_error *error);                                      /* the JSON; frees the error */
int64_t now_ms(void);
void nap(int ms);
void all_is_over(void);

#define FOREVER (-1)
#define GOODS(count, more) "{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"count\":" #count more "}}"
#define STALL "{\"method\":\"selftest\",\"selftest\":\"stall\"}"
#define EMIT(n) "{\"method\":\"selftest\",\"selftest\":{\"emit\":" #n "}}"
#define ADD(items) "{\"method\":\"mutate\",\"operationId\":\"addGood\",\"items\":" items "}"
#define STREAM "{\"method\":\"mutate\",\"operationId\":\"addGood\",\"stream\":true}"

#endif
