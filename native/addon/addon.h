// Per-environment state of the addon: nothing here is static, so worker threads have their own.
#pragma once

#include <c10/util/Exception.h>
#include <napi.h>

#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>

#include "error.h"

namespace selfgrad::addon {

class Job;

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports);

  /// A SelfgradError of the TypeScript class, or a plain Error with a code before `initialize`.
  Napi::Error make_error(Napi::Env env, const std::string& code, const std::string& sentence);

  void add_job(const std::shared_ptr<Job>& job) { jobs_.insert(job); }
  void remove_job(const std::shared_ptr<Job>& job) { jobs_.erase(job); }

  /// Keeps an error until the run that it ended rejects with it: values cannot leave the JavaScript thread,
  /// their places can.
  uint64_t keep_thrown(const Napi::Object& error);
  Napi::Value take_thrown(uint64_t place);

  Napi::FunctionReference dataset, model, world;  ///< constructors

 private:
  Napi::Value initialize(const Napi::CallbackInfo& info);
  Napi::Value shutdown(const Napi::CallbackInfo& info);
  Napi::Value info(const Napi::CallbackInfo& info);
  void stop_jobs();

  Napi::FunctionReference error_class_;
  std::set<std::shared_ptr<Job>> jobs_;
  std::map<uint64_t, Napi::ObjectReference> thrown_;
  uint64_t next_thrown_ = 0;
};

/// The addon's state in this environment.
Addon& state(Napi::Env env);

/// Ends a job by an error that JavaScript threw: its place in the environment's state.
struct ThrownInJavaScript {
  uint64_t place;
};

/// A failure of the core in words: code and sentence. Or the place of what JavaScript threw.
struct Failure {
  std::string code, sentence;
  std::optional<uint64_t> thrown = std::nullopt;
};

/// Runs `body` and names what it throws: the one place where exceptions of the core are told apart.
/// Cancelled has the code "cancelled"; JavaScript's own exceptions pass.
template <typename Body>
std::optional<Failure> failure_of(const Body& body) {
  try {
    body();
    return std::nullopt;
  } catch (const Napi::Error&) {
    throw;  // already a JavaScript exception
  } catch (const ThrownInJavaScript& error) {
    return Failure{"thrown", "", error.place};
  } catch (const selfgrad::Error& error) {
    return Failure{error.code(), error.what()};
  } catch (const Cancelled&) {
    return Failure{"cancelled", "The run was cancelled."};
  } catch (const c10::Error& error) {
    return Failure{"ERR_NATIVE", error.what_without_backtrace()};
  } catch (const std::bad_alloc&) {
    return Failure{"ERR_NATIVE", "Expected enough memory but an allocation failed. Lower the batch size."};
  } catch (const std::exception& error) {
    return Failure{"ERR_NATIVE", error.what()};
  } catch (...) {
    return Failure{"ERR_NATIVE", "An unknown exception left the native core."};
  }
}

/// `openCuda({ libtorchCuda, plugin })`: null, or { part, problem }.
Napi::Value open_cuda(const Napi::CallbackInfo& info);

/// Runs `body` on the JavaScript thread; a failure becomes the JavaScript exception that the caller sees.
template <typename Body>
void guarded(Napi::Env env, const Body& body) {
  if (const auto failure = failure_of(body))
    throw state(env).make_error(env, failure->code, failure->sentence);
}

}  // namespace selfgrad::addon
