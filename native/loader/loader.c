/*
 * Opens LibTorch and reads its version before the addon that needs it is loaded. LibTorch has no versioned
 * names: an addon on top of another version than its own starts, and dies later. This module links no
 * LibTorch, so it can look first. Once opened here, the addon finds the library by its name alone.
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

NAPI_MODULE_INIT() {
  napi_value open = NULL;
  napi_value built_for = NULL;
  if (napi_create_function(env, "open", NAPI_AUTO_LENGTH, open_libtorch, NULL, &open) != napi_ok ||
      napi_create_string_utf8(env, SELFGRAD_LIBTORCH_VERSION, NAPI_AUTO_LENGTH, &built_for) != napi_ok ||
      napi_set_named_property(env, exports, "open", open) != napi_ok ||
      napi_set_named_property(env, exports, "builtFor", built_for) != napi_ok) {
    return NULL;
  }
  return exports;
}
