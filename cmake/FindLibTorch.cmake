# Finds LibTorch without its own CMake package, which demands a CUDA toolkit whenever the tree was built with one.
#
# Input:   -DLIBTORCH=<root> or the environment variable LIBTORCH; <root>/lib and <root>/include exist, as in
#          selfgrad's cache, in PyTorch's LibTorch archive and in Python's site-packages/torch.
#          LibTorch_FIND_VERSION, from find_package(LibTorch <version> EXACT).
# Output:  LibTorch::c10, LibTorch::torch_cpu, LibTorch::gomp (when the tree brings an OpenMP run-time),
#          LibTorch_ROOT_DIR, LibTorch_LIBRARY_DIR, LibTorch_VERSION.

set(LIBTORCH "$ENV{LIBTORCH}" CACHE PATH "Folder of LibTorch, with lib/ and include/")
if(NOT LIBTORCH)
  message(FATAL_ERROR "LibTorch's folder is not given. Pass -DLIBTORCH=<folder with lib/ and include/>.")
endif()
get_filename_component(LibTorch_ROOT_DIR "${LIBTORCH}" ABSOLUTE)
set(LibTorch_LIBRARY_DIR "${LibTorch_ROOT_DIR}/lib")

foreach(library IN ITEMS c10 torch_cpu)
  find_library(LibTorch_${library}_LIBRARY ${library} PATHS "${LibTorch_LIBRARY_DIR}" NO_DEFAULT_PATH NO_CACHE)
  if(NOT LibTorch_${library}_LIBRARY)
    message(FATAL_ERROR "LibTorch's library ${library} is missing in ${LibTorch_LIBRARY_DIR}.")
  endif()
endforeach()

# The version, from the header that has held it since 2.9, else from its older place.
foreach(header IN ITEMS torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
  set(version_header "${LibTorch_ROOT_DIR}/include/${header}")
  if(EXISTS "${version_header}")
    file(STRINGS "${version_header}" version_lines REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
    if(version_lines)
      break()
    endif()
  endif()
endforeach()
if(NOT version_lines)
  message(FATAL_ERROR "LibTorch's version header is missing below ${LibTorch_ROOT_DIR}/include.")
endif()
list(TRANSFORM version_lines REPLACE "^#define TORCH_VERSION_[A-Z]+ +" "")
list(JOIN version_lines "." LibTorch_VERSION)

if(LibTorch_FIND_VERSION AND NOT LibTorch_VERSION VERSION_EQUAL LibTorch_FIND_VERSION)
  message(FATAL_ERROR "LibTorch ${LibTorch_FIND_VERSION} is needed (package.json, selfgrad.libtorch), "
                      "but ${LibTorch_ROOT_DIR} holds LibTorch ${LibTorch_VERSION}.")
endif()

foreach(library IN ITEMS c10 torch_cpu)
  if(NOT TARGET LibTorch::${library})
    add_library(LibTorch::${library} UNKNOWN IMPORTED)
    set_target_properties(LibTorch::${library} PROPERTIES
      IMPORTED_LOCATION "${LibTorch_${library}_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES
        "${LibTorch_ROOT_DIR}/include;${LibTorch_ROOT_DIR}/include/torch/csrc/api/include")
  endif()
endforeach()
set_target_properties(LibTorch::torch_cpu PROPERTIES INTERFACE_LINK_LIBRARIES LibTorch::c10)

# at::parallel_for is a template that runs serially in code compiled without OpenMP. Linking LibTorch's own
# run-time, and never the compiler's, keeps one thread pool in the process.
file(GLOB gomp_libraries "${LibTorch_LIBRARY_DIR}/libgomp*.so*")
if(gomp_libraries AND NOT TARGET LibTorch::gomp)
  list(GET gomp_libraries 0 gomp_library)
  add_library(LibTorch::gomp UNKNOWN IMPORTED)
  set_target_properties(LibTorch::gomp PROPERTIES
    IMPORTED_LOCATION "${gomp_library}"
    INTERFACE_COMPILE_OPTIONS "$<$<COMPILE_LANGUAGE:CXX>:-fopenmp>")
endif()

set(LibTorch_FOUND TRUE)
message(STATUS "LibTorch ${LibTorch_VERSION}: ${LibTorch_ROOT_DIR}")
