/* An NVIDIA driver that says what a test wants: FAKE_CUDA_VERSION (13000 is 13.0), FAKE_CUDA_COUNT, and what
 * cuInit answers, FAKE_CUDA_ERROR. */
#include <stdlib.h>

static int number(const char* name, int otherwise) {
  const char* value = getenv(name);
  return value == NULL ? otherwise : atoi(value);
}

int cuInit(unsigned flags) {
  (void)flags;
  return number("FAKE_CUDA_ERROR", 0);
}

int cuDriverGetVersion(int* version) {
  *version = number("FAKE_CUDA_VERSION", 13000);
  return 0;
}

int cuDeviceGetCount(int* count) {
  *count = number("FAKE_CUDA_COUNT", 1);
  return 0;
}

int cuGetErrorName(int error, const char** name) {
  *name = error == 999 ? "CUDA_ERROR_UNKNOWN" : "CUDA_ERROR_OF_THE_TEST";
  return 0;
}
