/* Preloaded into a program, sets its wall clock by STEP_SECONDS, from the moment when the file STEP_FILE is there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec* now) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "clock_gettime");
  const int answer = real(clock, now);
  const char* file = getenv("STEP_FILE");
  if (clock == CLOCK_REALTIME && file && access(file, F_OK) == 0) now->tv_sec += atol(getenv("STEP_SECONDS"));
  return answer;
}
