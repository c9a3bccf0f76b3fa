/// A host with OpenMP and signal handlers of its own, which looks afterwards whether Python has changed them. Says what has changed; exits
/// with 1 then.
#include "tests/pymethods/support.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include <signal.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <ophion/error.h>

using namespace ophion;
using testing_support::call_function;

namespace {

int problems = 0;

void expect(bool well, const std::string& what) {
  if (well) return;
  ++problems;
  std::printf("%s\n", what.c_str());
}

void run(const char* module, const char* function) {
  const PythonScope scope;
  call_function(module, function);
}

/// A training and predictions of the probe on 100 events.
void train_and_predict(int threads) {
  const std::vector<float> features(100, 1.0f);
  std::vector<std::int32_t> labels(100, 0);
  labels[0] = 1;
  const std::vector<double> weights(100, 1.0);
  TrainContext context;
  context.name = "probe";
  context.spec = {"classification", {"a"}, {"background", "signal"}, {}};
  context.options = Value::object();
  context.call.threads = threads;
  TrainingData data;
  data.train = {MatrixView(features.data(), 100, 1), labels, {}, weights};
  const testing_support::ProbeMethod method;
  const auto backend = method.load(method.train(data, context), context.spec, context.options, context.call);
  std::vector<float> scores(100);
  for (int i = 0; i < 10; ++i) backend->predict(data.train.features, scores);
}

#ifdef _OPENMP
int team() {
  int size = 0;
#pragma omp parallel
#pragma omp single
  size = omp_get_num_threads();
  return size;
}

void keeps_openmp(int threads_of_host, int threads_of_call) {
  omp_set_num_threads(threads_of_host);
  omp_set_dynamic(0);
  for (int i = 0; i < 3; ++i) {
    train_and_predict(threads_of_call);
    run("endings", "gradient");
    const std::string said = std::to_string(threads_of_host) + " threads before a call with " + std::to_string(threads_of_call) + ", after it ";
    expect(omp_get_max_threads() == threads_of_host, said + std::to_string(omp_get_max_threads()));
    expect(team() == threads_of_host, said + "a team of " + std::to_string(team()));
  }
}

void openmp() {
  keeps_openmp(3, 1);
  std::vector<std::thread> threads;
  for (int t = 1; t <= 4; ++t) threads.emplace_back(keeps_openmp, t, 1 + t % 2);
  for (auto& thread : threads) thread.join();
  std::thread(keeps_openmp, 5, 0).join();
}
#endif

constexpr std::array watched{SIGINT, SIGTERM, SIGCHLD, SIGSEGV, SIGUSR1, SIGABRT};

void handler(int, siginfo_t*, void*) {}

void expect_handlers(const std::string& when) {
  for (const int signal : watched) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    expect(now.sa_sigaction == handler && (now.sa_flags & (SA_SIGINFO | SA_RESTART)) == (SA_SIGINFO | SA_RESTART) &&
               sigismember(&now.sa_mask, SIGUSR2) == 1,
           std::string("another handler for ") + strsignal(signal) + " after " + when);
  }
}

void signals() {
  expect_handlers("the start");
  std::thread([] { run("endings", "use_loader_workers"); }).join();
  expect_handlers("a DataLoader's workers in a thread");
  run("endings", "use_loader_workers");
  expect_handlers("a DataLoader's workers");
  train_and_predict(0);
  expect_handlers("a training and predictions");
}

}  // namespace

int main(int count, char** arguments) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaddset(&action.sa_mask, SIGUSR2);
  for (const int signal : watched) sigaction(signal, &action, nullptr);
  testing_support::start_test_python();
  const std::string what = count > 1 ? arguments[1] : "";
  if (what == "signals") signals();
#ifdef _OPENMP
  if (what == "openmp") openmp();
#endif
  return problems == 0 ? 0 : 1;
}
