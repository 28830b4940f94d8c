// Tells the thread sanitizer what OpenMP's run-time guarantees, which it cannot see because that is not
// instrumented: what happens before a parallel region happens before each thread's share of it, and that
// before what follows the region. Within a region nothing is ordered, so a race between two shares is still
// found. A library of its own: it stands before libgomp in the tests, and in Node by LD_PRELOAD.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

namespace {

using Body = void (*)(void*);
using Parallel = void (*)(Body, void*, unsigned, unsigned);

/// Its first two members stand for the region's beginning and end.
struct Region {
  char begin, end;
  Body body;
  void* data;
};

void share(void* pointer) {
  auto* region = static_cast<Region*>(pointer);
  __tsan_acquire(&region->begin);
  region->body(region->data);
  __tsan_release(&region->end);
}

/// libgomp's own: LibTorch has opened it by the time that a region begins.
Parallel original() {
  static const auto found =
      reinterpret_cast<Parallel>(::dlsym(::dlopen("libgomp.so.1", RTLD_LAZY | RTLD_NOLOAD), "GOMP_parallel"));
  return found;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void GOMP_parallel(Body body, void* data, unsigned threads,
                                                                     unsigned flags) {
  Region region{0, 0, body, data};
  __tsan_release(&region.begin);
  original()(share, &region, threads, flags);
  __tsan_acquire(&region.end);
}
