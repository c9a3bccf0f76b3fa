/// A Method whose work is done in worker processes.
#include "isolation/isolated_method.h"

#include <condition_variable>
#include <cstring>
#include <exception>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include <ophion/error.h>

#include "isolation/wire.h"
#include "python_methods.h"

namespace ophion {
namespace {

/// Seconds in which a training that has been told that its time is over may hand in its best epoch.
constexpr double for_best_epoch = 15;

/// The plug-in, as the worker finds it.
Value request_of(const PluginInfo& plugin, const char* verb) {
  Value request = Value::object();
  request.set("do", verb);
  request.set("plugin", plugin.file.string());
  request.set("method", plugin.name);
  request.set("package", plugin.module.empty() ? Value() : described(plugin));
  return request;
}

CallTerms terms_of(const std::string& name, const char* doing, double time_limit) {
  CallTerms terms;
  terms.who = "method '" + name + "': " + doing;
  terms.time_limit = time_limit;
  return terms;
}

double with_imports(double time_limit) noexcept { return time_limit > 0 ? time_limit + for_imports : 0; }

/// Events as a worker can see them; holds copies of what it can't be shown where it lies.
class ShownEvents {
 public:
  explicit ShownEvents(Worker& worker) : worker_(worker) {}

  Value of(const LabelledEvents& events) {
    Value value = Value::object();
    value.set("features", of(events.features));
    value.set("labels", of(events.labels));
    value.set("targets", of(events.targets));
    value.set("weights", of(events.weights));
    return value;
  }

 private:
  Value of(const MatrixView& matrix) {
    if (matrix.rows() == 0 || matrix.columns() == 0) {
      return matrix.rows() == 0 && matrix.columns() == 0 ? Value() : described({room_block, 0, matrix.rows(), matrix.columns(), 0, 0});
    }
    if (const auto shown = worker_.show(matrix)) return described(*shown);
    LentMemory& copy = *copies_.emplace_back(std::make_unique<LentMemory>(matrix.rows() * matrix.columns() * sizeof(float)));
    auto* to = reinterpret_cast<float*>(copy.data());
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
      for (std::size_t j = 0; j < matrix.columns(); ++j) *to++ = matrix.at(i, j);
    }
    return described(*worker_.show(MatrixView(reinterpret_cast<const float*>(copy.data()), matrix.rows(), matrix.columns())));
  }

  template <class T>
  Value of(std::span<const T> numbers) {
    if (numbers.empty()) return {};
    std::optional<LentPlace> place = worker_.show(numbers.data(), numbers.size_bytes());
    if (!place) {
      LentMemory& copy = *copies_.emplace_back(std::make_unique<LentMemory>(numbers.size_bytes()));
      std::memcpy(copy.data(), numbers.data(), numbers.size_bytes());
      place = worker_.show(copy.data(), numbers.size_bytes());
    }
    return Value::Array{place->id, place->offset, numbers.size()};
  }

  static Value described(const SharedMatrix& matrix) {
    return Value::Array{matrix.block, matrix.offset, matrix.rows, matrix.columns, static_cast<long>(matrix.row_stride), static_cast<long>(matrix.column_stride)};
  }

  Worker& worker_;
  std::vector<std::unique_ptr<LentMemory>> copies_;
};

/// Scores in one of several workers that have all loaded the same. A worker that is gone is replaced at the next call.
class IsolatedBackend final : public Backend {
 public:
  IsolatedBackend(std::shared_ptr<Workers> workers, Value load_request, std::string method, CallOptions call, int count)
      : workers_(std::move(workers)),
        load_request_(std::move(load_request)),
        method_(std::move(method)),
        terms_(terms_of(method_, "predict()", call.time_limit)),
        slots_(static_cast<std::size_t>(count)) {
    for (auto& slot : slots_) free_.push_back(&slot);
    const Value described = fill(slots_.front());
    name_ = described.at("name").as_text();
    versions_ = described.at("versions");
    std::vector<std::future<void>> others;
    for (std::size_t i = 1; i < slots_.size(); ++i) {
      others.push_back(std::async(std::launch::async, [this, i] { fill(slots_[i]); }));
    }
    for (auto& other : others) other.get();
  }

  ~IsolatedBackend() override {
    for (Slot& slot : slots_) {
      if (!slot || !slot->usable()) continue;
      try {
        Value request = Value::object();
        request.set("do", "drop");
        slot->call(request, terms_of(method_, "dropping a model", 10));
        workers_->give_back(std::move(slot));
      } catch (const std::exception&) {  // then it isn't used again
      }
    }
  }

  const std::string& name() const noexcept override { return name_; }
  Value versions() const override { return versions_; }

  void predict(const MatrixView& features, std::span<float> out) const override {
    if (features.rows() == 0) return;
    const Turn turn(*this);
    Slot& slot = turn.slot();
    if (!slot || !slot->usable()) fill(slot);
    slot->predict(features, out, terms_);
  }

 private:
  using Slot = std::unique_ptr<Worker>;

  /// The use of one worker; waits for it while all are busy.
  class Turn {
   public:
    explicit Turn(const IsolatedBackend& backend) : backend_(backend) {
      std::unique_lock lock(backend_.mutex_);
      backend_.freed_.wait(lock, [this] { return !backend_.free_.empty(); });
      slot_ = backend_.free_.back();
      backend_.free_.pop_back();
    }
    ~Turn() {
      {
        const std::lock_guard lock(backend_.mutex_);
        backend_.free_.push_back(slot_);
      }
      backend_.freed_.notify_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    Slot& slot() const noexcept { return *slot_; }

   private:
    const IsolatedBackend& backend_;
    Slot* slot_;
  };

  /// Puts a worker there that has loaded the model.
  Value fill(Slot& slot) const {
    slot.reset();
    std::unique_ptr<Worker> worker = workers_->take();
    CallTerms terms = terms_of(method_, "load()", with_imports(terms_.time_limit));
    Value described = worker->call(load_request_, terms);
    if (described.is_null()) throw Error(terms.who + " gave nothing that scores");
    slot = std::move(worker);
    return described;
  }

  const std::shared_ptr<Workers> workers_;
  const Value load_request_;
  const std::string method_;
  const CallTerms terms_;
  std::string name_;
  Value versions_;
  mutable std::vector<Slot> slots_;
  mutable std::mutex mutex_;
  mutable std::condition_variable freed_;
  mutable std::vector<Slot*> free_;  ///< guarded by mutex_; who takes one out has it alone
};

class IsolatedMethod final : public Method {
 public:
  IsolatedMethod(PluginInfo plugin, WorkerSettings settings, int workers)
      : plugin_(std::move(plugin)), workers_(std::make_shared<Workers>(std::move(settings))), count_(workers) {
    LentWorker worker(workers_);
    const Value tasks = worker->call(request_of(plugin_, "traits"), terms_of(plugin_.name, "opening its plug-in", 0));
    traits_ = {plugin_.name, tasks.as_texts()};
  }

  const MethodTraits& traits() const noexcept override { return traits_; }

  void check(const TrainContext& context) const override {
    LentWorker worker(workers_);
    Value request = request_of(plugin_, "check");
    request.set("context", to_value(context));
    worker->call(request, terms_of(context.name, "check()", with_imports(context.call.time_limit)));
  }

  Payload train(const TrainingData& data, const TrainContext& context) const override {
    std::vector<std::filesystem::path> writable;
    if (!context.checkpoints.empty()) writable.push_back(context.checkpoints);
    LentWorker worker(workers_, writable);
    ShownEvents shown(*worker);
    Value request = request_of(plugin_, "train");
    request.set("context", to_value(context));
    request.set("train", shown.of(data.train));
    request.set("validation", shown.of(data.validation));

    std::exception_ptr failure;  // what the host's callback threw
    CallTerms terms = terms_of(context.name, "train()", context.call.time_limit);
    terms.grace = for_best_epoch;
    terms.reply = [&](const Value& question) {
      Value reply = Value::object();
      bool go_on = false;
      try {
        const Progress progress = progress_from(question.at("progress"));
        go_on = (!context.progress || context.progress(progress)) && progress.keep_going();
      } catch (...) {
        failure = std::current_exception();
      }
      reply.set("go_on", go_on);
      reply.set("failed", failure != nullptr);
      return reply;
    };
    Value trained;
    try {
      trained = worker->call(request, terms);
    } catch (const Error&) {
      if (!failure) throw;
    }
    if (failure) std::rethrow_exception(failure);
    return payload_from(trained);
  }

  bool carries_code(const Payload& payload) const override {
    LentWorker worker(workers_);
    Value request = request_of(plugin_, "carries_code");
    request.set("payload", to_value(payload));
    return worker->call(request, terms_of(plugin_.name, "carries_code()", for_imports)).as_boolean();
  }

  std::unique_ptr<Backend> load(const Payload& payload, const Spec& spec, const Value& options, const CallOptions& call) const override {
    const Value* name = options.find("name");
    Value request = request_of(plugin_, "load");
    request.set("payload", to_value(payload));
    request.set("spec", to_value(spec));
    request.set("options", options);
    request.set("call", to_value(call));
    return std::make_unique<IsolatedBackend>(workers_, std::move(request), name && name->is_text() ? name->as_text() : plugin_.name, call,
                                             count_);
  }

 private:
  const PluginInfo plugin_;
  const std::shared_ptr<Workers> workers_;
  const int count_;
  MethodTraits traits_;
};

}  // namespace

WorkerSettings settings_of(const IsolationConfig& config) {
  WorkerSettings settings;
  settings.memory_limit = config.memory_limit;
  settings.drop_rights = config.drop_rights;
  return settings;
}

std::shared_ptr<const Method> isolated_method(const Registry& registry, const std::string& name, WorkerSettings settings, int workers) {
  const PluginInfo& plugin = registry.info("method", name);
  settings.needs_python = plugin.needs_python;
  return std::make_shared<const IsolatedMethod>(plugin, std::move(settings), workers);
}

}  // namespace ophion
