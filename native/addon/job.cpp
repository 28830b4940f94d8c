#include "job.h"

#include <ATen/Parallel.h>

#include <utility>

#include "tensor/block_cache.h"

namespace selfgrad::addon {

Napi::Object Job::start(Napi::Env env, const char* name, int threads, const Napi::Function& on_event,
                        Work work) {
  std::shared_ptr<Job> job(new Job(env, std::move(work)));
  // The finalizer runs when the thread has let go of the function, or when the environment ends.
  job->to_javascript_ = Napi::ThreadSafeFunction::New(env, on_event, name, 0, 1, [job](Napi::Env env_) {
    job->join();
    state(env_).remove_job(job);
  });
  state(env).add_job(job);
  job->thread_ = std::thread([job, threads] { job->run(threads); });

  Napi::Object handle = Napi::Object::New(env);
  handle.Set("promise", job->deferred_.Promise());
  handle.Set("cancel", Napi::Function::New(env, [job](const Napi::CallbackInfo&) { job->stop(); }));
  return handle;
}

Napi::Object Job::start(Napi::Env env, const char* name, int threads, Work work) {
  return start(env, name, threads, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}),
               std::move(work));
}

void Job::join() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Job::emit(Make event) {
  auto* make = new Make(std::move(event));
  const napi_status status =
      to_javascript_.NonBlockingCall(make, [](Napi::Env env, Napi::Function on_event, Make* queued) {
        const std::unique_ptr<Make> owned(queued);
        if (env != nullptr) on_event.Call({(*owned)(env)});
      });
  if (status != napi_ok) delete make;  // the environment is ending
}

void Job::run(int threads) {
  failure_ = failure_of([&] {
    at::set_num_threads(threads);
    const BlockCacheGuard blocks;
    result_ = work_(*this);
  });
  work_ = nullptr;  // lets go of models and data before JavaScript hears of the end
  to_javascript_.NonBlockingCall([job = shared_from_this()](Napi::Env env, Napi::Function) {
    if (env != nullptr) job->settle(env);
  });
  to_javascript_.Release();
}

void Job::settle(Napi::Env env) {
  try {
    if (failure_ && failure_->thrown)
      deferred_.Reject(state(env).take_thrown(*failure_->thrown));
    else if (failure_)
      deferred_.Reject(state(env).make_error(env, failure_->code, failure_->sentence).Value());
    else
      deferred_.Resolve(result_(env));
  } catch (const Napi::Error&) {
    // The environment is being torn down: nobody is left to hear the result.
  }
}

}  // namespace selfgrad::addon
