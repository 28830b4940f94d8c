// A long piece of work on a thread of its own: events and the result travel to JavaScript by a
// ThreadSafeFunction, cancelling by an atomic flag.
#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "addon.h"

namespace selfgrad::addon {

class Job : public std::enable_shared_from_this<Job> {
 public:
  /// Builds a JavaScript value; runs on the JavaScript thread.
  using Make = std::function<Napi::Value(Napi::Env)>;
  /// Runs on the job's thread, without any Napi value; returns how to build the result.
  using Work = std::function<Make(Job&)>;

  /// Starts the thread with `threads` compute threads. Returns `{ promise, cancel }`.
  static Napi::Object start(Napi::Env env, const char* name, int threads, const Napi::Function& on_event,
                            Work work);
  /// The same for work that emits no events.
  static Napi::Object start(Napi::Env env, const char* name, int threads, Work work);

  /// Set when the job shall stop.
  const std::atomic<bool>& stop_flag() const { return stop_; }
  void stop() { stop_ = true; }
  /// Stops and waits; events and the result that are still under way are dropped.
  void join();

  /// Queues an event for JavaScript; never waits for it.
  void emit(Make event);

 private:
  Job(Napi::Env env, Work work) : work_(std::move(work)), deferred_(Napi::Promise::Deferred::New(env)) {}
  void run(int threads);
  void settle(Napi::Env env);

  Work work_;
  Napi::Promise::Deferred deferred_;
  Napi::ThreadSafeFunction to_javascript_;
  std::thread thread_;
  std::atomic<bool> stop_{false};
  Make result_;
  std::optional<Failure> failure_;
};

}  // namespace selfgrad::addon
