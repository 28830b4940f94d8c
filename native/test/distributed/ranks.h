// What tests of several ranks share: each rank is a thread of this process, and they meet on the loopback.
#pragma once

#include <ATen/Parallel.h>
#include <c10/core/AutogradState.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "distributed/world.h"
#include "error.h"

namespace selfgrad::test {

/// A port of the loopback that is taken while this lives.
class ListeningPort {
 public:
  ListeningPort() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    socklen_t length = sizeof address;
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(socket_, 1);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  ~ListeningPort() { ::close(socket_); }
  ListeningPort(const ListeningPort&) = delete;
  ListeningPort& operator=(const ListeningPort&) = delete;
  int64_t port() const { return port_; }

 private:
  int socket_;
  int64_t port_ = 0;
};

/// A port that was free a moment ago.
inline int64_t free_port() {
  return ListeningPort().port();
}

inline WorldOptions loopback(int64_t rank, int64_t size, int64_t port) {
  return {.rank = rank,
          .size = size,
          .host = "127.0.0.1",
          .port = port,
          .serves = rank == 0,
          .address = "127.0.0.1",
          .network = "",
          .attempt = "0",
          .timeout = 60};
}

/// Runs `body` once for each rank of a world of that size, and returns what each rank threw: code and
/// sentence, or nothing. A rank that throws leaves the world.
inline std::vector<std::string> as_ranks(int64_t size, const std::function<void(const WorldPtr&)>& body) {
  // c10d's recorder of calls, one for the process, is not made for several worlds in it.
  ::setenv("TORCH_FR_BUFFER_SIZE", "0", /*replace=*/1);
  const int64_t port = free_port();
  const std::atomic<bool> stop{false};
  std::vector<std::string> failures(size);
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      at::set_num_threads(1);
      // Autograd has one thread a GPU, for all of the process: the ranks of several would wait for each other
      // there.
      c10::AutogradState::get_tls_state().set_multithreading_enabled(false);
      try {
        body(c10::make_intrusive<World>(loopback(rank, size, port), stop));
      } catch (const Error& error) {
        failures[rank] = error.code() + " " + error.what();
      } catch (const std::exception& error) {
        failures[rank] = error.what();
      }
    });
  for (std::thread& thread : threads)
    thread.join();
  return failures;
}

}  // namespace selfgrad::test
