/*
 * Opens LibTorch and reads its version before the addon that needs it is loaded. LibTorch has no versioned
 * names: an addon on top of another version than its own starts, and dies later. This module links no
 * LibTorch, so it can look first. Once opened here, the addon finds the library by its name alone. It also
 * asks NVIDIA's driver for GPUs, before anything of CUDA is loaded.
 *
 * Run on Linux only so far; the branches for Windows and macOS have never been run.
 */
#include <node_api.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

typedef uint64_t (*abi_version_function)(void);

/* Opens the library for the life of the process; NULL and a reason when that fails. */
static void* open_library(const char* path, char* reason, size_t reason_size) {
#ifdef _WIN32
  wchar_t wide[32768];
  if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 32768) == 0) {
    snprintf(reason, reason_size, "the path is not valid UTF-8");
    return NULL;
  }
  HMODULE library =
      LoadLibraryExW(wide, NULL, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR);
  if (library == NULL) snprintf(reason, reason_size, "Windows error %lu", GetLastError());
  return (void*)library;
#else
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    const char* error = dlerror();
    snprintf(reason, reason_size, "%s", error == NULL ? "unknown reason" : error);
  }
  return library;
#endif
}

static abi_version_function find_abi_version(void* library) {
#ifdef _WIN32
  return (abi_version_function)(void*)GetProcAddress((HMODULE)library, "aoti_torch_abi_version");
#else
  /* ISO C has no cast from an object pointer to a function pointer; POSIX asks for this form. */
  abi_version_function function = NULL;
  *(void**)&function = dlsym(library, "aoti_torch_abi_version");
  return function;
#endif
}

static napi_value throw_error(napi_env env, const char* message) {
  napi_throw_error(env, "ERR_LIBTORCH", message);
  return NULL;
}

/* open({ libtorchCpu: string }): string, the version of LibTorch, as in "2.11.0". */
static napi_value open_libtorch(napi_env env, napi_callback_info info) {
  size_t argument_count = 1;
  napi_value argument = NULL;
  napi_value path_value = NULL;
  size_t length = 0;
  if (napi_get_cb_info(env, info, &argument_count, &argument, NULL, NULL) != napi_ok || argument_count != 1 ||
      napi_get_named_property(env, argument, "libtorchCpu", &path_value) != napi_ok ||
      napi_get_value_string_utf8(env, path_value, NULL, 0, &length) != napi_ok) {
    return throw_error(env, "Expected { libtorchCpu: string }.");
  }
  char* path = (char*)malloc(length + 1);
  if (path == NULL) return throw_error(env, "Out of memory.");
  napi_get_value_string_utf8(env, path_value, path, length + 1, NULL);

  char reason[2048];
  void* library = open_library(path, reason, sizeof reason);
  free(path);
  if (library == NULL) return throw_error(env, reason);

  abi_version_function abi_version = find_abi_version(library);
  if (abi_version == NULL) return throw_error(env, "the library exports no aoti_torch_abi_version");
  const uint64_t packed = abi_version();
  char version[16];
  snprintf(version, sizeof version, "%u.%u.%u", (unsigned)(packed >> 56), (unsigned)(packed >> 48 & 255),
           (unsigned)(packed >> 40 & 255));
  napi_value result = NULL;
  napi_create_string_utf8(env, version, NAPI_AUTO_LENGTH, &result);
  return result;
}

#ifdef __linux__
/* Of the driver's interface (cuda.h): a CUresult is an int, 0 is success. */
typedef int (*cuda_init_function)(unsigned flags);
typedef int (*cuda_query_function)(int* value);
typedef int (*cuda_error_function)(int error, const char** name);

static int ask_driver(void* driver, int* version, int* count) {
  cuda_init_function init = NULL;
  cuda_query_function get_version = NULL;
  cuda_query_function get_count = NULL;
  *(void**)&init = dlsym(driver, "cuInit");
  *(void**)&get_version = dlsym(driver, "cuDriverGetVersion");
  *(void**)&get_count = dlsym(driver, "cuDeviceGetCount");
  const int not_found = 500; /* CUDA_ERROR_NOT_FOUND: of a named symbol */
  if (init == NULL || get_version == NULL || get_count == NULL) return not_found;
  int error = get_version(version);
  if (error == 0) error = init(0);
  return error == 0 ? get_count(count) : error;
}
#endif

/*
 * gpus(): null without a driver, else { version, count, error, reason }: of CUDA that the driver is for
 * (13000 is 13.0), GPUs, and the driver's number and name of what failed, 0 and "" when nothing did.
 */
static napi_value find_gpus(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result = NULL;
  napi_get_null(env, &result);
#ifdef __linux__
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == NULL) return result;
  int version = 0;
  int count = 0;
  const int error = ask_driver(driver, &version, &count);
  const char* reason = "";
  cuda_error_function name_of = NULL;
  *(void**)&name_of = dlsym(driver, "cuGetErrorName");
  if (error != 0 && (name_of == NULL || name_of(error, &reason) != 0 || reason == NULL)) reason = "unknown";
  const struct {
    const char* name;
    int value;
  } numbers[] = {{"version", version}, {"count", error == 0 ? count : 0}, {"error", error}};
  napi_value text = NULL;
  if (napi_create_object(env, &result) != napi_ok ||
      napi_create_string_utf8(env, reason, NAPI_AUTO_LENGTH, &text) != napi_ok ||
      napi_set_named_property(env, result, "reason", text) != napi_ok) {
    return throw_error(env, "Out of memory.");
  }
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
    napi_value number = NULL;
    if (napi_create_int32(env, numbers[i].value, &number) != napi_ok ||
        napi_set_named_property(env, result, numbers[i].name, number) != napi_ok) {
      return throw_error(env, "Out of memory.");
    }
  }
#endif
  return result;
}

NAPI_MODULE_INIT() {
  napi_value open = NULL;
  napi_value gpus = NULL;
  napi_value built_for = NULL;
  if (napi_create_function(env, "open", NAPI_AUTO_LENGTH, open_libtorch, NULL, &open) != napi_ok ||
      napi_create_string_utf8(env, SELFGRAD_LIBTORCH_VERSION, NAPI_AUTO_LENGTH, &built_for) != napi_ok ||
      napi_create_function(env, "gpus", NAPI_AUTO_LENGTH, find_gpus, NULL, &gpus) != napi_ok ||
      napi_set_named_property(env, exports, "open", open) != napi_ok ||
      napi_set_named_property(env, exports, "gpus", gpus) != napi_ok ||
      napi_set_named_property(env, exports, "builtFor", built_for) != napi_ok) {
    return NULL;
  }
  return exports;
}
