# One set of compiler options for the core, the addon, the loader and the tests: the target selfgrad_options.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Paths relative to the source, so that a second clone finds what the first has compiled.
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${launcher}")
endif()

add_library(selfgrad_options INTERFACE)
if(MSVC)
  # As LibTorch was built; cmake-js would choose the static run-time.
  set(CMAKE_MSVC_RUNTIME_LIBRARY "MultiThreaded$<$<CONFIG:Debug>:Debug>DLL")
else()
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
  target_compile_options(selfgrad_options INTERFACE
    -Wall -Wextra $<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno>)
endif()

# What LibTorch's vectors need of the compiler, for each vector extension.
string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
if(processor MATCHES "^(x86_64|amd64)$")
  set(SELFGRAD_X86 ON)
endif()
if(MSVC)
  set(SELFGRAD_AVX2_OPTIONS /arch:AVX2)
  set(SELFGRAD_AVX512_OPTIONS /arch:AVX512)
else()
  # The warning is a false one, in the headers of intrinsics.
  set(SELFGRAD_KERNEL_OPTIONS -O3 -Wno-maybe-uninitialized)
  set(SELFGRAD_AVX2_OPTIONS -mavx2 -mfma -mf16c)
  set(SELFGRAD_AVX512_OPTIONS ${SELFGRAD_AVX2_OPTIONS} -mavx512f -mavx512bw -mavx512vl -mavx512dq)
endif()

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  # LibTorch's own dependencies are resolved when it is opened, not when we link.
  target_link_options(selfgrad_options INTERFACE -Wl,--allow-shlib-undefined -Wl,--as-needed)
endif()
if(SELFGRAD_SANITIZE)
  target_compile_options(selfgrad_options INTERFACE -fsanitize=${SELFGRAD_SANITIZE} -fno-omit-frame-pointer -g1)
  if(NOT SELFGRAD_FUZZ)
    target_compile_options(selfgrad_options INTERFACE -O1)  # compiles in half the time
  endif()
  target_link_options(selfgrad_options INTERFACE -fsanitize=${SELFGRAD_SANITIZE})
endif()
